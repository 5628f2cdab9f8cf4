/**
 * What a run reports while it works. Everything a progress display, a log or a caller may want to know passes
 * through these events; the library itself never prints.
 */
export type RunEvent =
  /** A training run of the verb begins; both totals count the whole run, the part before a resume included. */
  | { type: "start"; verb: string; totalSteps: number; totalEpochs: number }
  /** One optimiser step is done. `epoch` counts from 0, `step` from 1 over the whole run; `loss` is the batch mean. */
  | {
      type: "step";
      epoch: number;
      step: number;
      totalSteps: number;
      loss: number;
      lr: number;
      imagesPerSecond: number;
    }
  /** Epoch `epoch` (from 0) is done; `metrics` holds its averages, for example `trainLoss` and `dataWaitSeconds`. */
  | { type: "epoch"; epoch: number; metrics: Record<string, number> }
  /** Work beside the steps begins, such as "attention maps" or "evaluation"; `total` counts its items (images). */
  | { type: "phase"; name: string; total: number }
  /** `done` items of the phase begun last are finished; the phase ends when `done` reaches its total. */
  | { type: "phase-progress"; done: number }
  /** A sentence for people about what happens next. */
  | { type: "note"; message: string }
  | { type: "warning"; message: string }
  /** A checkpoint stands complete on disk at `path`. */
  | { type: "checkpoint"; path: string };

/** What a caller may hand to any long-running function of the library. */
export interface RunHooks {
  /** Stops the run after the step in hand; training saves its state first. */
  signal?: AbortSignal;
  onEvent?: (event: RunEvent) => void;
}
