import type { Graph } from "../../src/engine/graph/graph.ts";
import { argsort } from "../../src/method/masking/selection.ts";
import { gatherPatches } from "../../src/method/masking/tokens.ts";
import { attentionMapGraph, mapWeights } from "../../src/method/models/attention-maps.ts";
import { type MaeConfig, patchCount, patchValues } from "../../src/method/models/config.ts";
import { type ClsLoss, maeSpecs, pretrainGraph, reconstructionGraph } from "../../src/method/models/mae.ts";
import { pretrainGroups } from "../../src/method/models/parameter-groups.ts";
import { sumPerPatch } from "../support/map-reference.ts";
import { exact, patchSums } from "../tolerances.ts";
import type { Engine, Results } from "./engines.ts";
import type { GoldenFile } from "./goldens.ts";
import type { Comparison } from "./harness.ts";
import {
  batchMajor,
  compare,
  compareGradients,
  compareHost,
  encoderConfigOf,
  type ModelCase,
  type ModelRun,
  oneHot,
  withEngines,
} from "./model-case.ts";
import { type AdamWCase, checkAdamW } from "./optim.ts";
import {
  attentionSelection,
  type BatchSelection,
  imageShapeOf,
  keptFeeds,
  maskedFeeds,
  maskOf,
  randomSelection,
  wholeFeeds,
} from "./tokens.ts";

/** A `pretrain/*` entry of `index.json`. */
export interface PretrainCase extends ModelCase {
  config: ModelCase["config"] & { decoder_embed_dim: number; decoder_depth: number; decoder_num_heads: number };
  /** Share of patches masked in the random phase; the method's 0.75 unless stated. */
  randomMaskRatio?: number;
  /** Weight of the classification loss; the method's 0.1 unless stated. */
  clsLossWeight?: number;
  adamw?: AdamWCase & { attentionPhase: boolean; normPix: boolean; clsLoss: ClsLoss };
}

type Phase = "random" | "attention";
const phases: readonly Phase[] = ["random", "attention"];
const lossNames = ["loss", "reconstructionLoss", "classificationLoss"];

/** Every tensor of a pre-training case. */
export async function checkPretrain(entry: PretrainCase, golden: GoldenFile, out: Comparison): Promise<void> {
  const { config } = entry;
  const mae: MaeConfig = {
    ...encoderConfigOf(entry, golden),
    decoderEmbedDim: config.decoder_embed_dim,
    decoderDepth: config.decoder_depth,
    decoderNumHeads: config.decoder_num_heads,
  };
  await withEngines(golden, out, maeSpecs(mae), async (run) => {
    const pretrain = new PretrainCheck(entry, mae, run);
    pretrain.patches();
    for (const phase of phases) if (golden.namesUnder(`${phase}/`).length > 0) await pretrain.phase(phase);
    if (golden.namesUnder("maps/").length > 0) await pretrain.maps();
    pretrain.patchWeights();
    if (entry.adamw) await pretrain.adamw(entry.adamw);
  });
}

class PretrainCheck {
  readonly #entry: PretrainCase;
  readonly #config: MaeConfig;
  readonly #run: ModelRun;
  readonly #images: Float64Array[];
  readonly #labels: Float64Array;
  readonly #graphs = new Map<string, Graph>();

  constructor(entry: PretrainCase, config: MaeConfig, run: ModelRun) {
    this.#entry = entry;
    this.#config = config;
    this.#run = run;
    this.#images = run.golden.rows("input/images");
    this.#labels = run.golden.values("input/targets");
  }

  patches(): void {
    const all = Uint32Array.from({ length: patchCount(this.#config) }, (_, patch) => patch);
    const size = all.length * patchValues(this.#config);
    const got = new Float64Array(size * this.#images.length);
    this.#images.forEach((image, b) => {
      const into = got.subarray(b * size, (b + 1) * size);
      gatherPatches(image, imageShapeOf(this.#config), all, "row-column-channel", into, { batch: 1, b: 0 });
    });
    compareHost(this.#run, "patches", got, exact);
  }

  async phase(phase: Phase): Promise<void> {
    const { golden, engines } = this.#run;
    const selection = this.#selection(phase);
    const restore = selection.orders.flatMap((order) => [...argsort(order)]);
    compareHost(this.#run, `${phase}/mask`, maskOf(selection), exact);
    compareHost(this.#run, `${phase}/idsRestore`, restore, exact);
    const tokens = { ...selection.counts, batch: this.#images.length };
    const reconstruct = reconstructionGraph(this.#config, tokens);
    for (const engine of engines) {
      const results = await engine.run(reconstruct, this.#feeds(engine, this.#images, selection, false));
      compare(
        this.#run,
        `${phase}/latent`,
        engine.executor,
        batchMajor(results("latent"), 1 + tokens.kept, tokens.batch),
      );
      compare(this.#run, `${phase}/pred`, engine.executor, inImageOrder(results("prediction"), selection));
    }
    for (const pixels of ["raw", "norm-pix"]) {
      for (const clsLoss of ["softmax-ce", "ce"] as const) {
        const variant = `${phase}/${pixels}/${clsLoss}`;
        if (!golden.has(`${variant}/loss`)) continue;
        const graph = this.#graph(selection, clsLoss);
        for (const engine of engines) {
          const results = await engine.run(graph, this.#feeds(engine, this.#images, selection, pixels === "norm-pix"));
          this.#compareStep(variant, engine, results);
        }
      }
    }
  }

  async maps(): Promise<void> {
    const { engines } = this.#run;
    const { numHeads } = this.#config;
    const graph = attentionMapGraph(this.#config, this.#images.length);
    for (const engine of engines) {
      const attention = (await engine.run(graph, wholeFeeds(engine, this.#config, this.#images)))("attention");
      const tokens = 1 + patchCount(this.#config);
      const ofPatches = attention.filter((_, i) => i % tokens !== 0);
      compare(this.#run, "maps/lastBlockClsAttention", engine.executor, ofPatches);
      const size = numHeads * tokens;
      const weights = this.#images.flatMap((_, b) => [
        ...mapWeights(attention.slice(b * size, (b + 1) * size), numHeads),
      ]);
      compare(this.#run, "maps/weights", engine.executor, weights);
    }
  }

  patchWeights(): void {
    const { golden } = this.#run;
    if (!golden.has("patchWeights/image")) return;
    const { inputHeight, inputWidth, patchSize } = this.#config;
    const sums = golden
      .rows("patchWeights/image")
      .flatMap((image) => [...sumPerPatch(image, inputHeight, inputWidth, patchSize)]);
    const name = "patchWeights/sum";
    compareHost(this.#run, name, sums, patchSums[golden.dtype(name)]);
  }

  async adamw(settings: NonNullable<PretrainCase["adamw"]>): Promise<void> {
    const { golden, specs } = this.#run;
    const images = golden.rows("adamw/images");
    const name = settings.attentionPhase ? "adamw/idsShuffle" : "adamw/noise";
    const steps = golden.rows(name).map((orders) => this.#select(settings.attentionPhase, this.#perImage(orders)));
    await checkAdamW(this.#run, {
      settings,
      groups: pretrainGroups(
        specs.filter((spec) => spec.role === "trainable"),
        settings.weightDecay,
      ),
      graph: this.#graph(steps[0] as BatchSelection, settings.clsLoss),
      feeds: (engine, step) =>
        this.#feeds(
          engine,
          this.#perImage(images[step] as Float64Array),
          steps[step] as BatchSelection,
          settings.normPix,
        ),
    });
  }

  #compareStep(variant: string, engine: Engine, results: Results): void {
    for (const name of lossNames) {
      compare(this.#run, `${variant}/${name}`, engine.executor, results(name));
    }
    compareGradients(this.#run, variant, engine.executor, results);
  }

  #perImage(values: Float64Array): Float64Array[] {
    const size = values.length / this.#images.length;
    return this.#images.map((_, b) => values.subarray(b * size, (b + 1) * size));
  }

  #selection(phase: Phase): BatchSelection {
    const name = phase === "attention" ? "input/idsShuffle" : "input/noise";
    return this.#select(phase === "attention", this.#run.golden.rows(name));
  }

  #select(attention: boolean, keys: readonly Float64Array[]): BatchSelection {
    const { maskRatio, throwRatio, randomMaskRatio = 0.75 } = this.#entry;
    return attention ? attentionSelection(keys, { maskRatio, throwRatio }) : randomSelection(keys, randomMaskRatio);
  }

  #graph({ counts }: BatchSelection, clsLoss: ClsLoss): Graph {
    const { kept, masked } = counts;
    const key = `${kept} ${masked} ${clsLoss}`;
    const clsLossWeight = this.#entry.clsLossWeight ?? 0.1;
    const options = { batch: this.#images.length, kept, masked, clsLoss, clsLossWeight };
    const graph = this.#graphs.get(key) ?? pretrainGraph(this.#config, options);
    this.#graphs.set(key, graph);
    return graph;
  }

  #feeds(engine: Engine, images: readonly Float64Array[], selection: BatchSelection, normPix: boolean) {
    return {
      ...keptFeeds(engine, this.#config, images, selection),
      ...maskedFeeds(engine, this.#config, images, selection, normPix),
      classTargets: engine.floats(oneHot(this.#labels, this.#config.numClasses)),
    };
  }
}

/** Predictions [(kept + masked) · batch, V], kept first, as [batch, kept + masked, V] in the order of the patches. */
function inImageOrder(prediction: ArrayLike<number>, { images, counts }: BatchSelection): Float64Array {
  const tokens = counts.kept + counts.masked;
  const rows = batchMajor(prediction, tokens, images.length);
  const width = rows.length / (tokens * images.length);
  const result = new Float64Array(rows.length);
  images.forEach(({ kept, masked }, b) => {
    argsort([...kept, ...masked]).forEach((token, place) => {
      const from = (b * tokens + token) * width;
      result.set(rows.subarray(from, from + width), (b * tokens + place) * width);
    });
  });
  return result;
}
