import type { PretrainOptions } from "../config/index.ts";
import type { ImageLoader } from "../data/loader/loader.ts";
import { wholeImage } from "../geometry/geometry.ts";
import { patchWeights } from "../method/masking/patch-weights.ts";
import { attentionCounts, randomCounts, type SelectionCounts } from "../method/masking/selection.ts";
import { type EncoderConfig, patchCount } from "../method/models/config.ts";
import type { RunHooks } from "../support/events.ts";
import { fixedMaps } from "../training/maps/fixed-maps.ts";
import { MapBank } from "../training/maps/map-bank.ts";
import { drawnFates, type LesionFates, uniformFates } from "./lesion-fates.ts";

/** The options of a pre-training that say how it masks. */
export type MaskingOptions = Pick<
  PretrainOptions,
  | "attended"
  | "randomShare"
  | "maskRatio"
  | "throwRatio"
  | "randomMaskRatio"
  | "attentionStartEpoch"
  | "mapSource"
  | "mapCrop"
  | "seed"
>;

/** What images are read with. */
export interface MaskedReading {
  config: EncoderConfig;
  loader: ImageLoader;
  batchSize: number;
  hooks: RunHooks;
}

/** Selections drawn of each image. */
const DRAWS = 20;

/** Masks whole images as a pre-training does in the end: by the maps that it follows, or at random throughout. */
export class OwnMasking {
  readonly #options: MaskingOptions;
  readonly #config: EncoderConfig;
  readonly #counts: SelectionCounts;
  /** Maps that no model makes. */
  readonly #fixed: MapBank | undefined;

  private constructor(options: MaskingOptions, config: EncoderConfig, fixed: MapBank | undefined) {
    const patches = patchCount(config);
    this.#options = options;
    this.#config = config;
    this.#fixed = fixed;
    this.#counts = isRandom(options)
      ? randomCounts(patches, options.randomMaskRatio)
      : attentionCounts(patches, options);
  }

  /**
   * Makes the maps of the loader's images that do not depend on a model, where masking follows such.
   *
   * @throws MsmaeError Data when images cannot be read; the signal's reason.
   */
  static async of(options: MaskingOptions, reading: MaskedReading): Promise<OwnMasking> {
    const { config, loader } = reading;
    const { mapSource, mapCrop, seed } = options;
    if (mapSource === "attention" || isRandom(options)) return new OwnMasking(options, config, undefined);
    const maps = new MapBank(loader.samples.length, patchCount(config), seed, { ...config, mapCrop });
    await fixedMaps[mapSource]({ ...reading, maps });
    return new OwnMasking(options, config, maps);
  }

  /**
   * What becomes of a lesion's patches.
   *
   * @param attention float32 [patches], the image's map by the model.
   * @param image its number among the loader's.
   */
  fates(attention: Float32Array, lesion: readonly number[], image: number): LesionFates {
    if (isRandom(this.#options)) return this.uniform(lesion);
    const { inputHeight, inputWidth } = this.#config;
    const { mapCrop, seed } = this.#options;
    const map = this.#fixed?.map(image) ?? attention;
    const weights = patchWeights(map, wholeImage(inputHeight, inputWidth), { ...this.#config, mapCrop });
    return drawnFates(weights, lesion, image, { counts: this.#counts, policy: this.#options, seed, draws: DRAWS });
  }

  /** What is to be expected where as many patches are drawn uniformly. */
  uniform(lesion: readonly number[]): LesionFates {
    return uniformFates(this.#counts, lesion.length);
  }
}

const isRandom = ({ attentionStartEpoch }: MaskingOptions): boolean => attentionStartEpoch === "never";
