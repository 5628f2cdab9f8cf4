import { MsmaeError } from "../../support/errors.ts";
import { moduleUrl } from "../../support/module-url.ts";
import type { HelperThread, SpawnThread } from "../runtime/threads.ts";
import { CONTROL, HELPER, type OptimizerJob, PieceRunner } from "./optimizer-job.ts";
import type { OptimizerThreadData } from "./optimizer-worker.ts";

const WORKER = moduleUrl("./optimizer-worker", import.meta.url);

/** The calling thread and its helpers, working on one job at a time. */
export class OptimizerPool {
  readonly #job: OptimizerJob;
  readonly #runner: PieceRunner;
  readonly #threads: HelperThread[];
  readonly #stallMilliseconds: number;
  #fault: string | undefined;
  #closed = false;

  /** `stallMilliseconds`: how long a helper may finish no piece before it counts as dead. */
  constructor(job: OptimizerJob, helpers: number, spawn: SpawnThread | undefined, stallMilliseconds: number) {
    this.#job = job;
    this.#runner = new PieceRunner(job);
    this.#stallMilliseconds = stallMilliseconds;
    if (helpers > 0 && spawn === undefined) {
      throw new MsmaeError("Config", {
        where: "optimiser threads",
        expected: "a way to start threads (spawn) for more than one thread",
        got: "none",
        todo: "pass spawnNodeThread, or use one thread",
      });
    }
    this.#threads = Array.from({ length: helpers }, (_, helper) => {
      const data: OptimizerThreadData = { job, helper };
      return (spawn as SpawnThread)(WORKER, data, (reason) => {
        if (!this.#closed) this.#fault ??= `helper ${helper} ended: ${reason}`;
      });
    });
  }

  /**
   * Runs the job whose scalars are set. Helpers that are still starting are not waited for: the others do their share.
   *
   * @throws MsmaeError "Device" when a helper thread has died or hangs: the parameters may be half updated then.
   */
  run(): void {
    if (this.#fault !== undefined) throw this.#dead(this.#fault);
    const { control } = this.#job;
    Atomics.store(control, CONTROL.nextPiece, 0);
    Atomics.store(control, CONTROL.finishedPieces, 0);
    const woken = this.#states().filter(
      (state) => Atomics.compareExchange(control, state, HELPER.idle, HELPER.running) === HELPER.idle,
    );
    for (const state of woken) Atomics.notify(control, state);
    this.#runner.run();
    for (const state of woken) this.#awaitHelper(state);
    if (Atomics.load(control, CONTROL.failed) !== 0) throw this.#dead("a helper failed");
  }

  /** Waits until every helper has started, so that the next job uses all of them. */
  async ready(): Promise<void> {
    const starting = () => this.#states().some((at) => Atomics.load(this.#job.control, at) === HELPER.starting);
    while (starting()) {
      if (this.#fault !== undefined) throw this.#dead(this.#fault);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Ends the helper threads. */
  close(): void {
    this.#closed = true;
    this.#fault ??= "closed";
    for (const thread of this.#threads) thread.terminate();
  }

  #states(): number[] {
    return this.#threads.map((_, helper) => CONTROL.firstHelper + helper * CONTROL.helperStride);
  }

  #awaitHelper(state: number): void {
    const { control } = this.#job;
    // Ten waits in a row without progress, not one long wait: a suspended process must not take its helpers for dead.
    let idleWaits = 0;
    let finished = Atomics.load(control, CONTROL.finishedPieces);
    while (Atomics.load(control, state) === HELPER.running) {
      if (Atomics.wait(control, state, HELPER.running, this.#stallMilliseconds / 10) !== "timed-out") continue;
      const now = Atomics.load(control, CONTROL.finishedPieces);
      idleWaits = now === finished ? idleWaits + 1 : 0;
      finished = now;
      if (idleWaits >= 10) {
        this.#fault = `no progress in ${this.#stallMilliseconds} ms`;
        throw this.#dead(this.#fault);
      }
    }
  }

  #dead(got: string): MsmaeError {
    this.#fault ??= got;
    return new MsmaeError("Device", {
      where: "optimiser threads",
      expected: "helper threads at work",
      got,
      todo: "resume from the last checkpoint, or use one optimiser thread",
    });
  }
}
