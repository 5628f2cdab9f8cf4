import type { Share } from "../../data/loader/options.ts";
import { runningKept } from "../../engine/layers/convolution.ts";
import type { ParameterStore } from "../../engine/parameters/parameter-store.ts";
import type { Engine } from "../../engine/thread/engine.ts";
import type { ExchangeForm } from "../../parallel/gradient-codec.ts";
import { commonError, type Ranks } from "../../parallel/ranks.ts";
import { MsmaeError } from "../../support/errors.ts";
import { type BatchResult, type Round, type Steps, scalarsOf } from "./steps.ts";

/** What a process tells the others of its batch. */
interface Told extends BatchResult {
  /** The next value of each state tensor, as if the last one had been zero. */
  states: Record<string, Float32Array>;
}

/**
 * The steps of several processes that hold the same weights: of the batches whose gradients are averaged, each trains
 * every n-th. Gradients are added in the order of the batches, so that the result has the bits of one process that
 * trains them all; unless they travel in fewer bits.
 */
export class SharedSteps implements Steps {
  readonly share: Share;
  readonly #ranks: Ranks;
  readonly #engine: Engine;
  readonly #store: ParameterStore;
  readonly #signal: AbortSignal | undefined;
  readonly #form: ExchangeForm | undefined;
  #stops = false;

  /** @throws MsmaeError Config where the batches of a step cannot be shared out evenly. */
  constructor(
    { ranks, engine, store }: { ranks: Ranks; engine: Engine; store: ParameterStore },
    options: { batchSize: number; accumIter: number; exchange?: ExchangeForm | undefined },
    signal: AbortSignal | undefined,
  ) {
    checkEven(ranks, options);
    this.share = { index: ranks.rank, of: ranks.size };
    this.#ranks = ranks;
    this.#engine = engine;
    this.#store = store;
    this.#signal = signal;
    this.#form = options.exchange;
  }

  /** Whether any of the processes was asked to stop. */
  get stops(): boolean {
    return this.#stops;
  }

  async round({ graph, batch, count, update }: Round, seen: string[]): Promise<BatchResult[]> {
    const ranks = this.#ranks;
    const before = this.#takeStates();
    let told: Told | undefined;
    if (batch) {
      const { loss, outputs, states = {} } = await this.#engine.train(graph, batch.feeds, { kind: "hold" });
      told = { loss, scalars: scalarsOf(outputs), paths: batch.paths, states };
    }
    const all = await ranks.gather({ told, stop: this.#signal?.aborted ?? false });
    this.#stops = all.some(({ stop }) => stop);
    const batches = all.slice(0, count).map(({ told: one }) => one as Told);
    seen.push(...batches.flatMap(({ paths }) => paths));
    this.#putStates(before, batches);
    if (!batches.every(({ loss }) => Number.isFinite(loss))) return batches;
    const [gradients, sums] = [this.#store.flat("gradient"), this.#store.flat("accumulator")];
    await ranks.addInOrder(gradients, sums, count, this.#form);
    if (update.kind === "step") {
      await ranks.completeSums(sums, this.#form);
      await this.#engine.step(update);
    }
    return batches;
  }

  /** Takes the states out of the store, so that a run gives what its batch alone adds to them. */
  #takeStates(): Map<string, Float32Array> {
    const store = this.#store;
    const names = store.names.filter((name) => store.roleOf(name) === "state");
    return new Map(
      names.map((name) => {
        const state = store.state(name);
        const value = state.slice();
        state.fill(0);
        return [name, value];
      }),
    );
  }

  /** Puts them back as they come out of one batch after the other: they are running statistics, all of one decay. */
  #putStates(before: ReadonlyMap<string, Float32Array>, batches: readonly Told[]): void {
    const kept = Math.fround(runningKept);
    for (const [name, value] of before) {
      const finite = batches.filter(({ loss }) => Number.isFinite(loss));
      for (const { states } of finite) {
        const added = states[name];
        if (!added) continue;
        for (let i = 0; i < value.length; i++) {
          value[i] = Math.fround((value[i] as number) * kept) + (added[i] as number);
        }
      }
      this.#store.state(name).set(value);
    }
  }
}

function checkEven(ranks: Ranks, { batchSize, accumIter }: { batchSize: number; accumIter: number }): void {
  const { size } = ranks;
  if (accumIter % size === 0) return;
  const images = batchSize * accumIter;
  const even = images % size === 0 ? `--batch-size ${images / size} --accum-iter ${size}` : undefined;
  const error = new MsmaeError("Config", {
    where: "--accum-iter",
    expected: `a multiple of the ${size} processes, since each trains whole batches of a step`,
    got: String(accumIter),
    todo: even ? `for the same ${images} images a step give ${even}` : `choose a multiple of ${size}`,
  });
  throw commonError(ranks, error);
}
