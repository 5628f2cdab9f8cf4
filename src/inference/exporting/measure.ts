import type { ExportOptions } from "../../config/index.ts";
import type { Dataset, Split } from "../../data/dataset.ts";
import { ImageFeeds } from "../../method/image-feeds.ts";
import { segmenterKind } from "../../method/kinds/segmenter.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { RunHooks } from "../../support/events.ts";
import { assessModel } from "../assess-model.ts";
import { openEvaluationData } from "../evaluation-data.ts";
import type { Outcome, Validation } from "../outcomes/outcome.ts";
import { kindsWithOutcome, outcomeOf } from "../outcomes/registry.ts";
import { forwardOf, type LoadedModel, normalizerOf } from "../session.ts";
import { secondsInTurn, secondsOf } from "../timing.ts";
import { ExportedRunner } from "./exported-runner.ts";

/** Of these more is better, and what quantising takes of one is a drop. */
const HEADLINES = ["accuracy", "aucMacro", "kappaQuadratic", "aucMean", "dice", "iou", "r2"] as const;

/** What a written model is found to be on some images. */
export type Measured = Pick<Validation, "metrics" | "loss"> & { n: number };

/** Measures written models on the images of a data set. */
export class Measure {
  readonly #model: LoadedModel;
  readonly #outcome: Outcome;
  readonly #data: Dataset;
  readonly #options: ExportOptions & { dataPath: string };
  readonly #hooks: RunHooks;

  private constructor(
    model: LoadedModel,
    outcome: Outcome,
    data: Dataset,
    options: ExportOptions & { dataPath: string },
    hooks: RunHooks,
  ) {
    this.#model = model;
    this.#outcome = outcome;
    this.#data = data;
    this.#options = options;
    this.#hooks = hooks;
  }

  /** @throws MsmaeError Config for a model whose outputs cannot be measured; Data when the set cannot be opened. */
  static async open(
    model: LoadedModel,
    options: ExportOptions & { dataPath: string },
    hooks: RunHooks,
  ): Promise<Measure> {
    const { kind, description } = model;
    if (!kindsWithOutcome().some(({ name }) => name === kind.name)) throw unmeasured(kind.title);
    const plain = kind.name === segmenterKind.name ? { distances: false, intervals: false } : {};
    const outcome = outcomeOf(kind, plain, description.target);
    const { split, scan } = options;
    const data = await openEvaluationData(options, description, hooks, {
      oneClass: outcome.target.kind === "mask",
      values: outcome.values?.(description),
      require: scan === undefined ? [split] : [split, scan],
    });
    return new Measure(model, outcome, data, options, hooks);
  }

  /** @throws MsmaeError Data when no image can be read; Device; the signal's reason. */
  async of(file: Uint8Array, split: Split, name: string): Promise<Measured> {
    const { kind, description } = this.#model;
    const { dataPath, batchSize, workers, strict, threads } = this.#options;
    const { config } = description;
    const samples = this.#outcome.samplesFor(this.#data, this.#data.splits[split], description, dataPath);
    await using engine = await ExportedRunner.open(file, config, threads);
    const { result } = await assessModel(
      { engine, feeds: new ImageFeeds(config, normalizerOf(description)), kind, description },
      this.#outcome,
      samples,
      { batchSize, workers, strict, dataPath, split, name, forward: () => forwardOf(kind, config, { batchSize: 1 }) },
      this.#hooks,
    );
    const { metrics, loss } = this.#outcome.validation(this.#outcome.measure(result, description));
    return { metrics, loss, n: result.paths.length };
  }

  /** Seconds that each of two models takes for an image, in batches of `batchSize`; they take turns. */
  async seconds(files: readonly [Uint8Array, Uint8Array]): Promise<[number, number]> {
    const { config } = this.#model.description;
    const { batchSize, threads } = this.#options;
    const { inChans, inputHeight, inputWidth } = config;
    const images = new Float32Array(batchSize * inChans * inputHeight * inputWidth);
    await using first = await ExportedRunner.open(files[0], config, threads);
    await using second = await ExportedRunner.open(files[1], config, threads);
    const runs = [first, second].map((runner) => () => secondsOf(() => runner.run("", { images })));
    const [one, other] = (await secondsInTurn(runs, REPEATS, this.#hooks)) as [number, number];
    return [one / batchSize, other / batchSize];
  }
}

const REPEATS = 7;

/** By metric, what a model has less than another. */
export function dropOf(from: Measured, to: Measured): Record<string, number> {
  const both = HEADLINES.filter((name) => name in from.metrics && name in to.metrics);
  return Object.fromEntries(both.map((name) => [name, (from.metrics[name] as number) - (to.metrics[name] as number)]));
}

/** The metrics that fell by more than is allowed, or are no numbers any more. */
export function beyond(drop: Readonly<Record<string, number>>, allowed: number): string[] {
  return Object.keys(drop).filter((name) => !((drop[name] as number) <= allowed));
}

function unmeasured(title: string): MsmaeError {
  return new MsmaeError("Config", {
    where: "dataPath",
    expected: "a model whose outputs can be compared with labels, or masks",
    got: title,
    todo: "leave it out, or export what the head tells",
  });
}
