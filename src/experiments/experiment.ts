import type { Plan } from "./plan.ts";

/** What all steps of an experiment share. */
export interface Experiment {
  plan: Plan;
  /** Of the experiment. */
  root: string;
  /** Official downloads, where the plan's data is made from them. */
  archives: readonly string[];
  threads: number;
  workers: number;
  device: "cpu" | "webgpu" | "cuda";
}
