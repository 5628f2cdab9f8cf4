import type { RunEvent, RunHooks } from "../../support/events.ts";

/** Metrics of the epochs of one training, in order. */
export type History = Record<string, number>[];

/** What is worth a line per epoch to somebody who sees training for the first time. */
const TOLD = ["loss", "accuracy", "dice"];
/** Phases that come with every epoch, or again as a step of the demo. */
const UNTOLD = ["validation", "evaluation"];
const STEPS = 6;

/** Tells a demo's reader what happens, step by step, and keeps the figures of every epoch for the report. */
export class Narration {
  readonly #hooks: RunHooks;
  #step = 0;

  constructor(hooks: RunHooks) {
    this.#hooks = hooks;
  }

  /** Announces the next of the demo's steps. */
  next(message: string): void {
    this.#step++;
    this.#hooks.onEvent?.({ type: "note", message: `step ${this.#step} of ${STEPS}: ${message}` });
  }

  /** Hooks for a training: its epochs go into `history`, and on to the reader without what only an expert asks for. */
  training(history: History): RunHooks {
    const { onEvent, signal } = this.#hooks;
    let hidden = false;
    const tell = (event: RunEvent): void => {
      if (event.type === "phase") hidden = UNTOLD.includes(event.name);
      if (event.type === "epoch") {
        history.push(event.metrics);
        const metrics = Object.fromEntries(Object.entries(event.metrics).filter(([name]) => TOLD.includes(name)));
        onEvent?.({ ...event, metrics });
      } else if (event.type !== "checkpoint" && !(hidden && event.type.startsWith("phase"))) {
        onEvent?.(event);
      }
    };
    return { ...(signal && { signal }), onEvent: tell };
  }
}
