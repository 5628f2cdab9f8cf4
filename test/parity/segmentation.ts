import { input } from "../../src/engine/graph/builders.ts";
import { graph } from "../../src/engine/graph/graph.ts";
import { storeOutputName } from "../../src/engine/graph/output-names.ts";
import type { Value } from "../../src/engine/graph/types.ts";
import { parameterGroups } from "../../src/engine/optim/parameter-groups.ts";
import { parameterInputs } from "../../src/engine/parameters/specs.ts";
import { trainingOutputs } from "../../src/engine/parameters/training-outputs.ts";
import {
  type SegmenterConfig,
  segment,
  segmenterGraph,
  segmenterSpecs,
  segmentTrainingGraph,
} from "../../src/method/models/segmenter.ts";
import { maskLoss, targetsOfClasses } from "../../src/method/nn/segmentation-losses.ts";
import { SegmentationMeter } from "../../src/results/metrics/index.ts";
import { isNoise, kernelOf } from "../support/normalised-bias.ts";
import { afterAdamW, gradients, keyBiasAfterAdamW, outputs } from "../tolerances.ts";
import { CpuEngine, type Engine, Float64Engine, type Results } from "./engines.ts";
import type { GoldenFile } from "./goldens.ts";
import type { Comparison } from "./harness.ts";
import { compareAfterSteps } from "./optim.ts";
import { wholeFeeds } from "./tokens.ts";

/** A `segmentation/*` entry of `index.json`. */
export interface SegmentationCase {
  config: {
    img_size: number;
    patch_size: number;
    embed_dim: number;
    depth: number;
    num_heads: number;
    num_classes: number;
    taps: number[];
    head_width: number;
  };
  adam: { lr: number; l2: number; betas: [number, number]; eps: number };
  /** After the steps with deep supervision. */
  eval: { iou: number; dice: number };
  output_size: number;
}

const STEPS = 3;

/** Losses, gradients, three steps of Adam with running statistics, evaluation and its figures. */
export async function checkSegmentation(entry: SegmentationCase, golden: GoldenFile, out: Comparison): Promise<void> {
  for (const variant of ["last", "deep"] as const) {
    const check = new SegmentationCheck(entry, variant, golden, out);
    for (const engine of [new Float64Engine(check.specs), new CpuEngine(check.specs)]) {
      try {
        await check.run(engine);
      } finally {
        await engine.close();
      }
    }
  }
}

class SegmentationCheck {
  readonly specs;
  readonly #config: SegmenterConfig;
  readonly #entry: SegmentationCase;
  readonly #variant: "last" | "deep";
  readonly #golden: GoldenFile;
  readonly #out: Comparison;
  readonly #images: Float64Array[];
  readonly #size: { batch: number; size: { height: number; width: number } };

  constructor(entry: SegmentationCase, variant: "last" | "deep", golden: GoldenFile, out: Comparison) {
    const { config, output_size: side } = entry;
    const [width, inChans] = golden.shape("param/encoder.patch_embed.proj.weight") as [number, number];
    this.#config = {
      inputHeight: config.img_size,
      inputWidth: config.img_size,
      patchSize: config.patch_size,
      inChans,
      embedDim: width,
      depth: config.depth,
      numHeads: config.num_heads,
      mlpRatio: (golden.shape("param/encoder.blocks.0.mlp.fc1.weight")[0] as number) / width,
      // The golden counts what is told of a pixel: one value tells of two classes.
      numClasses: config.num_classes === 1 ? 2 : config.num_classes,
      head: "setr-pup",
      headWidth: config.head_width,
      taps: config.taps,
      deepSupervision: variant === "deep",
    };
    const own = new Set(segmenterSpecs(this.#config).map(({ name }) => name));
    // The published program runs every head, so that the statistics of those move as well that are not trained.
    this.specs = segmenterSpecs({ ...this.#config, deepSupervision: true }).map((spec) =>
      spec.role === "trainable" && !own.has(spec.name) ? { ...spec, role: "fixed" as const } : spec,
    );
    this.#entry = entry;
    this.#variant = variant;
    this.#golden = golden;
    this.#out = out;
    this.#images = golden.rows("input/images");
    this.#size = { batch: this.#images.length, size: { height: side, width: side } };
  }

  async run(engine: Engine): Promise<void> {
    const { lr, l2, betas, eps } = this.#entry.adam;
    engine.reset(new Map(this.specs.map(({ name, shape }) => [name, this.#start(name, shape[0] as number)])));
    const own = segmentTrainingGraph(this.#config, { ...this.#size, loss: "bce-dice", tellLogits: true });
    const training = this.#variant === "deep" ? own : this.#published();
    const feeds = {
      ...wholeFeeds(engine, this.#config, this.#images),
      classes: Uint8Array.from(this.#golden.values("input/masks")),
    };
    const trainable = this.specs.filter(({ role }) => role === "trainable");
    const groups = new Map(
      [...parameterGroups(trainable, { weightDecay: 0 })].map(([name, group]) => [name, { ...group, l2 }]),
    );
    const step = engine.adamw({ groups, beta1: betas[0], beta2: betas[1], eps, clipNorm: undefined });
    for (let index = 0; index < STEPS; index++) {
      if (index === 0) {
        const results = await engine.run(own, feeds);
        for (const name of ["loss", "logits"])
          this.#compare(engine, `${this.#variant}/${name}`, results(name), outputs);
        for (const { name } of trainable) {
          const gradient = results(storeOutputName("gradient", name));
          const quantity = `${this.#variant}/grad/${keyOf(name)}`;
          if (isNoise(name)) this.#compareNoise(engine, quantity, gradient, results);
          else this.#compare(engine, quantity, gradient, gradients);
        }
      }
      await engine.run(training, feeds);
      step(lr, index + 1);
    }
    for (const name of this.#golden.namesUnder(`${this.#variant}/after${STEPS}/`)) this.#afterSteps(engine, name);
    if (this.#variant === "deep") await this.#evaluate(engine);
  }

  /** Running statistics begin at 0 and 1, which the golden does not say again. */
  #start(name: string, length: number): Float64Array {
    const key = `param/${keyOf(name)}`;
    if (this.#golden.has(key)) return this.#golden.values(key);
    return new Float64Array(length).fill(name.endsWith("running_var") ? 1 : 0);
  }

  /** A step as the published program makes it without deep supervision: every head runs, the last one is trained. */
  #published() {
    const p = parameterInputs(this.specs);
    const config = { ...this.#config, deepSupervision: true };
    const logits = segment(p, config, { ...this.#size, mode: "training" });
    const told = logits.at(-1) as Value;
    const { batch, size } = this.#size;
    const classes = input("classes", [batch, 1, size.height, size.width], "uint8");
    const loss = maskLoss("bce-dice", told, targetsOfClasses(classes, 1));
    return graph("published", { loss, ...trainingOutputs(loss, p) });
  }

  /** The gradient of a bias that the next normalisation takes away: rounding noise beside that of its kernel. */
  #compareNoise(engine: Engine, quantity: string, got: ArrayLike<number>, results: Results): void {
    const kernel = kernelOf(quantity.replace(/.*\/grad\//, ""));
    const whole = Math.max(...Array.from(results(storeOutputName("gradient", kernel)), Math.abs));
    const { executor } = engine;
    this.#out.add(quantity, executor, got, this.#golden.values(quantity), gradients.float64[executor], whole);
  }

  /** A parameter or a running statistic after the steps. */
  #afterSteps(engine: Engine, key: string): void {
    const quantity = `${this.#variant}/after${STEPS}/${key}`;
    const name = key.replace(/^encoder\./, "");
    if (isNoise(name)) {
      const got = engine.parameter(name);
      const expected = this.#golden.values(quantity);
      const noise = keyBiasAfterAdamW.float64[engine.executor];
      // Adam divides the noise by its own size, so that its way is about as long as the rates allow.
      const relative = (noise.relative * STEPS * this.#entry.adam.lr) / Math.max(...expected.map(Math.abs));
      this.#out.add(quantity, engine.executor, got, expected, { ...noise, relative });
      return;
    }
    compareAfterSteps({ golden: this.#golden, out: this.#out }, engine, {
      quantity,
      name,
      path: STEPS * this.#entry.adam.lr,
    });
  }

  /** Logits by the running statistics, and the figures at the threshold of one half. */
  async #evaluate(engine: Engine): Promise<void> {
    const { size } = this.#size;
    const graph = segmenterGraph(this.#config, this.#size);
    const logits = (await engine.run(graph, wholeFeeds(engine, this.#config, this.#images)))("logits");
    this.#compare(engine, "eval/logits", logits, afterAdamW);
    const meter = new SegmentationMeter({ classNames: ["background", "inside"] });
    const pixels = size.height * size.width;
    this.#golden.rows("input/masks").forEach((truth, b) => {
      const told = Uint8Array.from(logits.subarray(b * pixels, (b + 1) * pixels), (logit) => (logit > 0 ? 1 : 0));
      meter.add({ ...size, predicted: told, truth: Uint8Array.from(truth) });
    });
    const { mean } = meter.metrics();
    for (const name of ["iou", "dice"] as const) {
      this.#out.add(`eval/${name}`, engine.executor, [mean[name] as number], [this.#entry.eval[name]], figures);
    }
  }

  #compare(engine: Engine, quantity: string, got: ArrayLike<number>, table: typeof outputs): void {
    const { executor } = engine;
    if (!this.#golden.has(quantity)) this.#out.fail(quantity, executor, "a tensor that the golden lacks");
    else this.#out.add(quantity, executor, got, this.#golden.values(quantity), table.float64[executor]);
  }
}

/** The published program's 1e-5 in the quotients against the definition's exact ones. */
const figures = { relative: 1e-4, reason: "a smoothing of 1e-5 in the published quotients" };

/** The encoder's tensors stand in a module of their own there. */
const keyOf = (name: string) => (name.startsWith("heads.") ? name : `encoder.${name}`);
