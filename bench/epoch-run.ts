// Fine-tunes as the command line does, in a process of its own, and prints how long each stage of an epoch took: `epoch-run.ts
// JSON`, which holds the options of finetune.
import { type FinetuneInput, finetune, type RunEvent } from "../src/index.ts";
import type { Spent, Stages } from "./rows.ts";

const options = JSON.parse(process.argv[2] as string) as FinetuneInput & { epochs: number };
const stages: Stages = { maps: [0, 0], training: [], evaluation: [], saving: [] };
let phase = { name: "", total: 0 };
let last = now();

await finetune(options, { onEvent: see });
process.stdout.write(`${JSON.stringify(stages)}\n`);

function see(event: RunEvent): void {
  // What follows the last epoch is not a part of one.
  if (stages.saving.length === options.epochs) return;
  switch (event.type) {
    case "start":
      last = now();
      return;
    case "phase":
      phase = event;
      if (phase.name === "validation") stages.training.push(spent());
      return;
    case "phase-progress":
      if (event.done < phase.total) return;
      if (phase.name === "validation") stages.evaluation.push(spent());
      else stages.maps = spent();
      return;
    case "checkpoint":
      if (event.path.endsWith("last.safetensors")) stages.saving.push(spent());
  }
}

/** What has passed since the end of the stage before. */
function spent(): Spent {
  const [before, at] = [last, now()];
  last = at;
  return [at[0] - before[0], at[1] - before[1]];
}

function now(): Spent {
  const { user, system } = process.cpuUsage();
  return [performance.now() / 1000, (user + system) / 1e6];
}
