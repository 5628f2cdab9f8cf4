import type { Graph } from "../../src/engine/graph/graph.ts";
import { classifierGraph, classifierSpecs, dropPathRates, finetuneGraph } from "../../src/method/models/classifier.ts";
import type { ClassifierConfig } from "../../src/method/models/config.ts";
import { finetuneGroups } from "../../src/method/models/parameter-groups.ts";
import { hostValues } from "../tolerances.ts";
import type { Engine, Feeds } from "./engines.ts";
import { dtypeOfNumbers, type GoldenFile } from "./goldens.ts";
import type { Comparison } from "./harness.ts";
import {
  compare,
  compareGradients,
  encoderConfigOf,
  type ModelCase,
  type ModelRun,
  oneHot,
  withEngines,
} from "./model-case.ts";
import { type AdamWCase, checkAdamW } from "./optim.ts";
import { attentionSelection, type BatchSelection, keptFeeds, wholeFeeds } from "./tokens.ts";

/** A `finetune/*` entry of `index.json`. */
export interface FinetuneCase extends ModelCase {
  globalPool: boolean;
  dropPath?: { rate: number; perBlock: number[] };
  adamw?: AdamWCase & { layerDecay: number; labelSmoothing: number };
}

/** Every tensor of a fine-tuning case. */
export async function checkFinetune(entry: FinetuneCase, golden: GoldenFile, out: Comparison): Promise<void> {
  const config: ClassifierConfig = { ...encoderConfigOf(entry, golden), globalPool: entry.globalPool ? "avg" : "cls" };
  await withEngines(golden, out, classifierSpecs(config), async (run) => {
    const finetune = new FinetuneCheck(entry, config, run);
    await finetune.logits();
    await finetune.losses();
    if (entry.dropPath) await finetune.dropPath(entry.dropPath);
    if (entry.adamw) await finetune.adamw(entry.adamw);
  });
}

class FinetuneCheck {
  readonly #entry: FinetuneCase;
  readonly #config: ClassifierConfig;
  readonly #run: ModelRun;
  readonly #images: Float64Array[];
  readonly #labels: Float64Array;
  readonly #selection: BatchSelection;
  readonly #step: Graph;

  constructor(entry: FinetuneCase, config: ClassifierConfig, run: ModelRun) {
    this.#entry = entry;
    this.#config = config;
    this.#run = run;
    this.#images = run.golden.rows("input/images");
    this.#labels = run.golden.values("input/targets");
    this.#selection = attentionSelection(run.golden.rows("input/idsShuffle"), entry);
    this.#step = finetuneGraph(config, this.#size());
  }

  /** Evaluation logits of the kept patches and of all of them. */
  async logits(): Promise<void> {
    const { golden, engines } = this.#run;
    const batch = this.#images.length;
    const masked = classifierGraph(this.#config, this.#size());
    const full = classifierGraph(this.#config, { batch, kept: "all" });
    for (const engine of engines) {
      const { executor } = engine;
      if (golden.has("maskedLogits")) {
        const results = await engine.run(masked, keptFeeds(engine, this.#config, this.#images, this.#selection));
        compare(this.#run, "maskedLogits", executor, results("logits"));
      }
      if (golden.has("fullLogits")) {
        const results = await engine.run(full, wholeFeeds(engine, this.#config, this.#images));
        compare(this.#run, "fullLogits", executor, results("logits"));
      }
    }
  }

  /** Loss and gradients with hard, smoothed and soft targets. */
  async losses(): Promise<void> {
    const { golden, engines } = this.#run;
    for (const name of golden.names) {
      const variant = /^(ce|soft-target|label-smoothing-([\d.]+))\/loss$/.exec(name);
      if (!variant) continue;
      const prefix = variant[1] as string;
      const targets =
        prefix === "soft-target"
          ? golden.values("input/softTargets")
          : oneHot(this.#labels, this.#config.numClasses, Number(variant[2] ?? 0));
      for (const engine of engines) {
        const results = await engine.run(this.#step, this.#feeds(engine, this.#images, this.#selection, targets));
        compare(this.#run, `${prefix}/loss`, engine.executor, results("loss"));
        compareGradients(this.#run, prefix, engine.executor, results);
      }
    }
  }

  /** Loss, logits and gradients with the golden's drop-path draws. */
  async dropPath({ rate, perBlock }: { rate: number; perBlock: number[] }): Promise<void> {
    const { golden, out, engines } = this.#run;
    const rates = dropPathRates(this.#config.depth, rate);
    out.add("drop-path/rates", "host", rates, perBlock, hostValues[dtypeOfNumbers(perBlock)]);
    if (!golden.has("drop-path/keep")) return;
    const perBranch = golden.rows("drop-path/keep");
    const factors = perBranch.flatMap((keep, i) => [...keep].map((draw) => draw / (1 - (perBlock[i] as number))));
    const graph = finetuneGraph(this.#config, { ...this.#size(), dropPathRates: perBlock });
    const targets = oneHot(this.#labels, this.#config.numClasses);
    for (const engine of engines) {
      const feeds = this.#feeds(engine, this.#images, this.#selection, targets);
      const results = await engine.run(graph, { ...feeds, dropPath: engine.floats(factors) });
      for (const name of ["loss", "logits"]) {
        compare(this.#run, `drop-path/${name}`, engine.executor, results(name));
      }
      compareGradients(this.#run, "drop-path", engine.executor, results);
    }
  }

  async adamw(settings: NonNullable<FinetuneCase["adamw"]>): Promise<void> {
    const { golden, specs } = this.#run;
    const { depth, numClasses } = this.#config;
    const images = golden.rows("adamw/images").map((step) => this.#perImage(step));
    const selections = golden
      .rows("adamw/idsShuffle")
      .map((step) => attentionSelection(this.#perImage(step), this.#entry));
    const targets = oneHot(this.#labels, numClasses, settings.labelSmoothing);
    await checkAdamW(this.#run, {
      settings,
      groups: finetuneGroups(specs, { depth, weightDecay: settings.weightDecay, layerDecay: settings.layerDecay }),
      graph: this.#step,
      feeds: (engine, step) =>
        this.#feeds(engine, images[step] as Float64Array[], selections[step] as BatchSelection, targets),
    });
  }

  #size() {
    return { batch: this.#images.length, kept: this.#selection.counts.kept };
  }

  #perImage(values: Float64Array): Float64Array[] {
    const size = values.length / this.#images.length;
    return this.#images.map((_, b) => values.subarray(b * size, (b + 1) * size));
  }

  #feeds(engine: Engine, images: readonly Float64Array[], selection: BatchSelection, targets: Float64Array): Feeds {
    return { ...keptFeeds(engine, this.#config, images, selection), classTargets: engine.floats(targets) };
  }
}
