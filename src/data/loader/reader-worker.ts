import { serveTasks } from "../../support/threads/watched-worker.ts";
import { type ReaderSetup, type ReadReport, type ReadTask, SampleReader } from "./sample-reader.ts";

serveTasks<ReaderSetup, ReadTask, ReadReport>((setup) => {
  const reader = new SampleReader(setup);
  return (task, { onStep }) => reader.run(task, onStep);
});
