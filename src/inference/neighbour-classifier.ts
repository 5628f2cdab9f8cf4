import { setImmediate } from "node:timers/promises";
import { type ClassificationMetrics, classificationMetrics } from "../results/metrics/index.ts";
import { findNeighbours, type Neighbours, normalisedRows, type Rows, rowCount, votes } from "../results/neighbours.ts";
import type { RunHooks } from "../support/events.ts";
import type { FeatureSet } from "./features.ts";
import type { Classification } from "./outcomes/classes.ts";

/** How neighbours are found and vote. */
export interface NeighbourOptions {
  /** Numbers of neighbours that may be asked for. */
  k: readonly number[];
  temperature: number;
  classNames: readonly string[];
  hooks: RunHooks;
}

/** Queries compared before something else may happen. */
const BLOCK = 32;

/** Tells classes of features by the nearest of a bank whose classes are known. */
export class NeighbourClassifier {
  readonly #bank: Rows;
  readonly #labels: Int32Array;
  readonly #options: NeighbourOptions;

  constructor(bank: FeatureSet, options: NeighbourOptions) {
    this.#bank = rowsOf(bank);
    this.#labels = bank.labels;
    this.#options = options;
  }

  /** As many neighbours as may be asked for, reporting a phase "neighbours". @throws the signal's reason. */
  async nearest(set: FeatureSet): Promise<Neighbours> {
    const { onEvent, signal } = this.#options.hooks;
    const queries = rowsOf(set);
    const count = rowCount(queries);
    const k = Math.max(...this.#options.k);
    const found = { k, indices: new Uint32Array(count * k), similarities: new Float64Array(count * k) };
    onEvent?.({ type: "phase", name: "neighbours", total: count });
    for (let from = 0; from < count; from += BLOCK) {
      const to = Math.min(count, from + BLOCK);
      findNeighbours(this.#bank, queries, { from, to }, found);
      onEvent?.({ type: "phase-progress", done: to });
      // A signal is heard between blocks only.
      await setImmediate();
      signal?.throwIfAborted();
    }
    return found;
  }

  /** What the first `k` neighbours say of a set, and how right they are. */
  classify(
    { labels, indices, paths }: FeatureSet,
    found: Neighbours,
    k: number,
  ): { result: Classification; metrics: ClassificationMetrics } {
    const { temperature, classNames } = this.#options;
    const probabilities = votes(found, this.#labels, { k, temperature, classes: classNames.length });
    const logits = Float32Array.from(probabilities, Math.log);
    const metrics = classificationMetrics({ probabilities, labels, classNames });
    return { result: { probabilities, logits, labels, indices, paths }, metrics };
  }

  /** The accuracy on a set of each number of neighbours. */
  async accuracies(set: FeatureSet, numbers: readonly number[]): Promise<{ k: number; accuracy: number }[]> {
    const found = await this.nearest(set);
    return numbers.map((k) => ({ k, accuracy: this.classify(set, found, k).metrics.accuracy }));
  }
}

function rowsOf({ features, width }: FeatureSet): Rows {
  return normalisedRows({ values: features, width });
}
