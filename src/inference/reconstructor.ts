import type { Graph } from "../engine/graph/graph.ts";
import { wholeImage } from "../geometry/geometry.ts";
import type { PretrainedDescription } from "../interop/model-file.ts";
import { FeedBuilder } from "../method/feeds.ts";
import { patchWeights } from "../method/masking/patch-weights.ts";
import { drawSelection } from "../method/masking/policy.ts";
import {
  attentionCounts,
  attentionOrder,
  randomCounts,
  randomOrder,
  type Selection,
  type SelectionCounts,
  selectFromRandomOrder,
} from "../method/masking/selection.ts";
import { normalizePatches, type PatchStatistics } from "../method/masking/tokens.ts";
import { patchCount, patchValues } from "../method/models/config.ts";
import { reconstructionGraph } from "../method/models/mae.ts";
import { maskingView, predictionToImage, type RgbImage, rasterToRgb } from "../results/visual/index.ts";
import { MsmaeError } from "../support/errors.ts";
import { RandomStream } from "../support/random.ts";
import { forBatchSize } from "./run-batches.ts";
import { type ModelSession, normalizerOf } from "./session.ts";

export type MaskingKind = "attention" | "random";

export interface ReconstructorOptions {
  counts: SelectionCounts;
  batchSize: number;
  masking: MaskingKind;
  seed: number;
}

export interface Reconstruction {
  /** The network's input. */
  original: RgbImage;
  /** [L] 0 kept, 1 masked, −1 thrown. */
  mask: Int8Array;
  patchSize: number;
  /** The input with its masked patches as reconstructed and thrown ones hatched. */
  reconstruction: RgbImage;
  /** Mean squared error over the masked patches, in the space of the training loss. */
  loss: number;
  /** Whether the map was zero everywhere, so that patches were chosen evenly. */
  uniform: boolean;
}

/** How many patches are used how. @throws MsmaeError Config when none is kept or none is masked. */
export function selectionCounts(
  patches: number,
  options: { masking: MaskingKind; maskRatio: number; throwRatio: number; randomMaskRatio: number },
): SelectionCounts {
  const { masking, randomMaskRatio } = options;
  const counts = masking === "random" ? randomCounts(patches, randomMaskRatio) : attentionCounts(patches, options);
  if (counts.masked > 0) return counts;
  throw new MsmaeError("Config", {
    where: "masking ratios",
    expected: `at least one of ${patches} patches masked, so that there is one to reconstruct`,
    got: "none",
    todo: masking === "random" ? "raise --random-mask-ratio" : "raise --mask-ratio",
  });
}

/** Runs a pre-trained model's encoder and decoder over images with hidden patches, and draws the outcome. */
export class Reconstructor {
  readonly #model: ModelSession<PretrainedDescription>;
  readonly #options: ReconstructorOptions;
  readonly #feeds: FeedBuilder;
  readonly #graph: Graph;

  private constructor(model: ModelSession<PretrainedDescription>, options: ReconstructorOptions, graph: Graph) {
    this.#model = model;
    this.#options = options;
    this.#feeds = new FeedBuilder(model.description.config, normalizerOf(model.description));
    this.#graph = graph;
  }

  /** Loads the graph into the model's engine. */
  static async create(
    model: ModelSession<PretrainedDescription>,
    options: ReconstructorOptions,
  ): Promise<Reconstructor> {
    const { counts, batchSize } = options;
    const graph = reconstructionGraph(model.description.config, { ...counts, batch: batchSize });
    const reconstructor = new Reconstructor(model, options, forBatchSize(graph, batchSize));
    await model.engine.load(reconstructor.#graph);
    return reconstructor;
  }

  /**
   * @param images uint8 [B, H, W, C], B at most the batch size.
   * @param indices [B] place each image's random draw, so that it depends on no other image.
   * @param maps float32 [B, L] attention maps, for attention-driven masking.
   * @param coverages [B] uint8 [H, W] to 255, how much of each pixel was measured, where not all was.
   */
  async run(
    images: Uint8Array,
    indices: Uint32Array,
    maps: Float32Array | undefined,
    coverages: readonly (Uint8Array | undefined)[] = [],
  ): Promise<Reconstruction[]> {
    if (indices.length === 0) return [];
    const { batchSize, counts } = this.#options;
    const { engine, description } = this.#model;
    const feeds = this.#feeds;
    const draws = Array.from(indices, (index, b) => this.#select(index, b, maps));
    const selections = draws.map(({ selection }) => selection);
    const last = selections.at(-1) as Selection;
    while (selections.length < batchSize) selections.push(last);
    // Not normalised per patch yet: the statistics are needed to draw the prediction.
    const { targets, ...inputs } = feeds.reconstruction(images, selections, false);
    const { prediction } = await engine.run(this.#graph.name, inputs);
    const values = patchValues(description.config);
    const measured = feeds.measured(selections, coverages);
    return draws.map(({ selection, uniform }, b) => {
      const rows = { values, batch: batchSize, b, count: counts.masked };
      const target = rowsOf(targets as Float32Array, { ...rows, from: 0 });
      const predicted = rowsOf(prediction as Float32Array, { ...rows, from: counts.kept });
      const own = measured && rowsOf(measured, { ...rows, from: 0 });
      const statistics = description.normPixLoss ? normalizePatches(target, values, own) : undefined;
      const pictures = this.#draw(this.#picture(images, b), selection, predicted, statistics);
      return { ...pictures, loss: meanSquaredError(predicted, target), uniform };
    });
  }

  /** As in training, with the whole image for a crop. */
  #select(index: number, b: number, maps: Float32Array | undefined): { selection: Selection; uniform: boolean } {
    const { counts, seed } = this.#options;
    const { config, attended = "hide" } = this.#model.description;
    const patches = patchCount(config);
    const stream = RandomStream.for(seed, "evaluation", index);
    if (!maps) return { selection: selectFromRandomOrder(randomOrder(patches, stream), counts), uniform: false };
    const map = maps.subarray(b * patches, (b + 1) * patches);
    const geometry = wholeImage(config.inputHeight, config.inputWidth);
    const weights = patchWeights(map, geometry, { ...config, mapCrop: "aligned" });
    const roles = () => RandomStream.for(seed, "roles", 0, index);
    return drawSelection({ attended, randomShare: 0 }, patches, counts, roles, () => attentionOrder(weights, stream));
  }

  #picture(images: Uint8Array, b: number): RgbImage {
    const { inputHeight: height, inputWidth: width, inChans } = this.#model.description.config;
    const size = height * width * inChans;
    const pixels = images.subarray(b * size, (b + 1) * size);
    return rasterToRgb({ width, height, channels: inChans as 1 | 3, pixels });
  }

  /** The decoder is trained on masked patches alone: in the reconstruction the kept ones stay the original's. */
  #draw(
    original: RgbImage,
    { masked, thrown }: Selection,
    pred: Float32Array,
    statistics: readonly PatchStatistics[] | undefined,
  ): Pick<Reconstruction, "original" | "mask" | "patchSize" | "reconstruction"> {
    const { config, mean, std } = this.#model.description;
    const { patchSize, inChans: channels } = config;
    const mask = new Int8Array(patchCount(config));
    for (const patch of masked) mask[patch] = 1;
    for (const patch of thrown) mask[patch] = -1;
    const perChannel = (values: readonly number[]) =>
      Array.from({ length: channels }, (_, channel) => (values[channel] ?? values[0]) as number);
    const reconstruction = predictionToImage(
      {
        pred,
        patchIndices: masked,
        patchSize,
        channels,
        mean: perChannel(mean),
        std: perChannel(std),
        ...(statistics && { patchStatistics: byPatch(statistics, masked, mask.length) }),
      },
      maskingView(original, mask, patchSize),
    );
    return { original, mask, patchSize, reconstruction };
  }
}

/** Rows `from` to `from + count` of image `b` from token-major rows [tokens · batch, values]. */
function rowsOf(
  rows: Float32Array,
  { values, batch, b, from, count }: { values: number; batch: number; b: number; from: number; count: number },
): Float32Array {
  const own = new Float32Array(count * values);
  for (let n = 0; n < count; n++) {
    const at = ((from + n) * batch + b) * values;
    own.set(rows.subarray(at, at + values), n * values);
  }
  return own;
}

function meanSquaredError(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return sum / a.length;
}

/** Statistics of the masked patches at their places among all patches. */
function byPatch(statistics: readonly PatchStatistics[], masked: Uint32Array, patches: number) {
  const mean = new Float64Array(patches);
  const std = new Float64Array(patches).fill(1);
  for (const [n, patch] of masked.entries()) {
    mean[patch] = statistics[n]?.mean ?? 0;
    std[patch] = statistics[n]?.deviation ?? 1;
  }
  return { mean, std };
}
