import type { Share } from "../../data/loader/options.ts";
import type { Graph } from "../../engine/graph/graph.ts";
import { storeOutputName } from "../../engine/graph/output-names.ts";
import { inParts } from "../../engine/graph/passes/in-parts.ts";
import { optimize } from "../../engine/graph/passes/index.ts";
import { quantizedInput } from "../../engine/graph/quantized-names.ts";
import { runningKept } from "../../engine/layers/convolution.ts";
import type { ParameterStore } from "../../engine/parameters/parameter-store.ts";
import type { Update } from "../../engine/thread/core.ts";
import type { Engine } from "../../engine/thread/engine.ts";
import type { ExchangeForm } from "../../parallel/gradient-codec.ts";
import { commonError, type Ranks } from "../../parallel/ranks.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { PreparedBatch } from "../task.ts";
import { type GradientPart, gradientParts } from "./gradient-parts.ts";
import { type BatchResult, type Round, type Steps, scalarsOf } from "./steps.ts";

/** What a process tells the others of its batch. */
interface Told extends BatchResult {
  /** The next value of each state tensor, as if the last one had been zero. */
  states: Record<string, Float32Array>;
}

interface SharedOptions {
  batchSize: number;
  accumIter: number;
  exchange?: ExchangeForm | undefined;
  /** In how many parts the backward pass is cut: one unless told otherwise. */
  exchangeParts?: number | undefined;
}

/**
 * The steps of several processes that hold the same weights: of the batches whose gradients are averaged, each trains
 * every n-th. Gradients are added in the order of the batches, so that the result has the bits of one process that
 * trains them all; unless they travel in fewer bits. Where the backward pass is cut in parts, the gradients of one are exchanged
 * while the next is computed.
 */
export class SharedSteps implements Steps {
  readonly share: Share;
  readonly #ranks: Ranks;
  readonly #engine: Engine;
  readonly #store: ParameterStore;
  readonly #signal: AbortSignal | undefined;
  readonly #form: ExchangeForm | undefined;
  readonly #parts: readonly GradientPart[];
  #stops = false;

  /** @throws MsmaeError Config where the batches of a step cannot be shared out evenly. */
  constructor(
    { ranks, engine, store }: { ranks: Ranks; engine: Engine; store: ParameterStore },
    options: SharedOptions,
    signal: AbortSignal | undefined,
  ) {
    checkEven(ranks, options);
    this.share = { index: ranks.rank, of: ranks.size };
    this.#ranks = ranks;
    this.#engine = engine;
    this.#store = store;
    this.#signal = signal;
    this.#form = options.exchange;
    this.#parts = gradientParts(store, options.exchangeParts);
  }

  /** Whether any of the processes was asked to stop. */
  get stops(): boolean {
    return this.#stops;
  }

  async load(graph: Graph): Promise<void> {
    const groups = this.#parts.map(({ names }) => {
      return new Set(Array.from(names, (name) => storeOutputName("gradient", name)));
    });
    const store = this.#store;
    // A state is put back before the later parts run: what they need of it, the first one hands on.
    const stands = (name: string) =>
      store.has(name) ? store.roleOf(name) !== "state" : quantizedInput(name) !== undefined;
    const [first, ...later] = inParts(optimize(graph), groups, stands) as [Graph, ...Graph[]];
    await this.#engine.load(first, later);
  }

  async round({ graph, batch, count, update }: Round, seen: string[]): Promise<BatchResult[]> {
    const ranks = this.#ranks;
    const before = this.#takeStates();
    const running = batch && this.#train(graph, batch);
    const told = await running?.told;
    const all = await ranks.gather({ told, stop: this.#signal?.aborted ?? false });
    this.#stops = all.some(({ stop }) => stop);
    const batches = all.slice(0, count).map(({ told: one }) => one as Told);
    seen.push(...batches.flatMap(({ paths }) => paths));
    this.#putStates(before, batches);
    if (!batches.every(({ loss }) => Number.isFinite(loss))) {
      await Promise.all(running?.later ?? []);
      return batches;
    }
    const exchanges: Promise<unknown>[] = [];
    for (const [index, part] of this.#parts.entries()) {
      if (index > 0) await running?.later[index - 1];
      exchanges.push(handled(this.#exchange(part, index, count, update)));
    }
    await Promise.all(exchanges);
    if (update.kind === "step") await this.#engine.step(update);
    return batches;
  }

  /** Begins all parts of a step, which the engine runs one after another. The first tells what came of the batch. */
  #train(graph: string, { feeds, paths }: PreparedBatch): { told: Promise<Told>; later: Promise<void>[] } {
    const first = this.#engine.train(graph, feeds, { kind: "hold" });
    const later = this.#parts.slice(1).map((_, index) => handled(this.#engine.trainPart(graph, index + 1)));
    const told = first.then(({ loss, outputs, states = {} }) => ({ loss, scalars: scalarsOf(outputs), paths, states }));
    return { told, later };
  }

  /** Both calls at once, so that those of all parts are made in the same order everywhere. */
  #exchange({ gradients, sums }: GradientPart, part: number, count: number, { kind }: Update): Promise<unknown> {
    const how = { form: this.#form, part };
    const added = this.#ranks.addInOrder(gradients, sums, count, how);
    return Promise.all([added, kind === "step" && this.#ranks.completeSums(sums, how)]);
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

/** A promise that is awaited later: until then its failure must not end the process unnamed. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
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
