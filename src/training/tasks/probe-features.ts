import type { LinprobeOptions } from "../../config/index.ts";
import type { Split } from "../../data/split-name.ts";
import type { Graph } from "../../engine/graph/graph.ts";
import { floatsOf } from "../../engine/runtime/program.ts";
import { assess, openSamples } from "../../inference/assess.ts";
import { type FeatureSet, featureGatherer, featureTarget } from "../../inference/features.ts";
import { type Classification, softmaxRows } from "../../inference/outcomes/classes.ts";
import { normalizerOf } from "../../inference/session.ts";
import type { Feeder } from "../../method/kinds/kind.ts";
import type { ClassifierConfig } from "../../method/models/config.ts";
import { featuresGraph, probeHeadGraph } from "../../method/models/linear-probe.ts";
import type { RunContext } from "../definition.ts";
import { loadingOf } from "../setup.ts";

/** Images that the encoder takes at once: more would cost memory and save nothing. */
export const IMAGES_PER_RUN = 64;
/** Features of which the head tells at once. */
const ROWS_PER_RUN = 512;

/** What a probe's frozen encoder makes of images, and its head of that. */
export class ProbeFeatures {
  readonly #context: RunContext<LinprobeOptions, ClassifierConfig>;
  readonly #feeder: Feeder;
  readonly #sets = new Map<Split, FeatureSet>();
  readonly #graphs = new Set<string>();

  constructor(context: RunContext<LinprobeOptions, ClassifierConfig>) {
    const { options, plan } = context;
    this.#context = context;
    this.#feeder = plan.kind.feeder(plan.config, normalizerOf({ ...options, config: plan.config }));
  }

  /** The features of a split's images, whole and as they are; made once. */
  async ofSplit(split: Split): Promise<FeatureSet> {
    const { engine, options, data, plan, hooks } = this.#context;
    const { config } = plan;
    const known = this.#sets.get(split);
    if (known) return known;
    const samples = data.folder.splits[split];
    const batchSize = Math.min(IMAGES_PER_RUN, samples.length);
    const reading = { loading: loadingOf(config, options), outcome: { target: featureTarget }, hooks };
    await using loader = openSamples(samples, reading);
    const { result } = await assess({
      ...{ engine, batchSize, split, loader, outcome: {}, hooks, dataPath: options.dataPath },
      feeds: this.#feeder,
      forward: { graph: featuresGraph(config, batchSize) },
      gatherer: featureGatherer(config.embedDim),
      name: `features of ${split}`,
    });
    this.#sets.set(split, result);
    return result;
  }

  /** Features [B, D] of images [B, H, W, C] of the input's size. They have been read when the call returns. */
  async ofImages(images: Uint8Array): Promise<Float32Array> {
    const { engine, plan } = this.#context;
    const { inputHeight, inputWidth, inChans, embedDim } = plan.config;
    const bytes = inputHeight * inputWidth * inChans;
    const count = images.length / bytes;
    const batchSize = Math.min(IMAGES_PER_RUN, count);
    const features = new Float32Array(count * embedDim);
    const parts = Array.from({ length: Math.ceil(count / batchSize) }, (_, part) => part * batchSize);
    const feeds = parts.map((from) => {
      return this.#feeder.whole(images.subarray(from * bytes, Math.min(count, from + batchSize) * bytes), batchSize);
    });
    const name = await this.#loaded("features-of-batch", () => featuresGraph(plan.config, batchSize));
    for (const [part, from] of parts.entries()) {
      const { features: rows } = floatsOf(await engine.run(name, feeds[part] as (typeof feeds)[number]));
      features.set((rows as Float32Array).subarray(0, (count - from) * embedDim), from * embedDim);
    }
    return features;
  }

  /** What the head tells of features by its running statistics. */
  async classify(set: FeatureSet): Promise<Classification> {
    const { engine, plan } = this.#context;
    const { embedDim, numClasses } = plan.config;
    const { features, labels, indices, paths } = set;
    const count = labels.length;
    const batch = Math.min(ROWS_PER_RUN, count);
    const name = await this.#loaded("probe-head", () =>
      probeHeadGraph({ features: embedDim, classes: numClasses, batch }),
    );
    const logits = new Float32Array(count * numClasses);
    for (let from = 0; from < count; from += batch) {
      const rows = new Float32Array(batch * embedDim);
      rows.set(features.subarray(from * embedDim, Math.min(count, from + batch) * embedDim));
      const { logits: told } = floatsOf(await engine.run(name, { features: rows }));
      logits.set((told as Float32Array).subarray(0, (count - from) * numClasses), from * numClasses);
    }
    return { probabilities: softmaxRows(logits, numClasses), logits, labels, indices, paths };
  }

  /** The name of a graph that is loaded when it is first asked for. Its batch is the same each time. */
  async #loaded(name: string, make: () => Graph): Promise<string> {
    if (this.#graphs.has(name)) return name;
    await this.#context.engine.load({ ...make(), name });
    this.#graphs.add(name);
    return name;
  }
}
