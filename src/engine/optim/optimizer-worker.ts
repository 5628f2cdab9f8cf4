import { CONTROL, HELPER, type OptimizerJob, PieceRunner } from "./optimizer-job.ts";

/** What a helper thread is given at its start. */
export interface OptimizerThreadData {
  job: OptimizerJob;
  /** Which helper this is, from 0. */
  helper: number;
}

/** The life of a helper thread: sleeps until woken, works on the job, says so. It ends when it is terminated. */
export function runThread({ job, helper }: OptimizerThreadData): never {
  const { control } = job;
  const state = CONTROL.firstHelper + helper * CONTROL.helperStride;
  const runner = new PieceRunner(job);
  Atomics.store(control, state, HELPER.idle);
  for (;;) {
    Atomics.wait(control, state, HELPER.idle);
    if (Atomics.load(control, state) !== HELPER.running) continue;
    try {
      runner.run();
    } catch {
      // The owner raises the error: it alone can stop the step.
      Atomics.store(control, CONTROL.failed, 1);
    }
    Atomics.store(control, state, HELPER.idle);
    Atomics.notify(control, state);
  }
}
