import { serveTasks } from "../../../../src/support/threads/watched-worker.ts";

/** What a test asks of the thread. */
export type Task = "echo" | "parts" | "throw" | "exit" | "hang" | "hang idle";

serveTasks<string, Task, string, number>((setup) => async (task, { onStep, onPart }) => {
  if (setup === "broken") throw new Error("broken setup");
  onStep(7);
  if (task === "parts") for (const part of [1, 2, 3]) onPart(part);
  if (task === "throw") throw new Error("a fault outside decoding");
  if (task === "exit") process.exit(3);
  if (task === "hang") for (;;);
  if (task === "hang idle") {
    onStep(-1);
    await new Promise((resolve) => setTimeout(resolve, 800));
  }
  return `${setup}: ${task}`;
});
