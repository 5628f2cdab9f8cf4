import type { MapSource } from "../../config/index.ts";
import type { Batch, ImageLoader } from "../../data/loader/loader.ts";
import type { Engine } from "../../engine/thread/engine.ts";
import type { FeedBuilder } from "../../method/feeds.ts";
import type { PatchWeightOptions } from "../../method/masking/patch-weights.ts";
import { drawSelection, type MaskingPolicy } from "../../method/masking/policy.ts";
import type { Selection, SelectionCounts } from "../../method/masking/selection.ts";
import { type EncoderConfig, patchCount } from "../../method/models/config.ts";
import type { Ranks } from "../../parallel/ranks.ts";
import type { RunHooks } from "../../support/events.ts";
import { RandomStream } from "../../support/random.ts";
import type { TaskState } from "../task.ts";
import { fixedMaps } from "./fixed-maps.ts";
import { MapBank } from "./map-bank.ts";
import { refreshMaps } from "./map-refresh.ts";
import { warnUniform } from "./uniform-warning.ts";

/** What maps of training images are made with. */
export interface MaskedRun {
  config: EncoderConfig;
  feeds: FeedBuilder;
  /** Of the training images. */
  loader: ImageLoader;
  engine: Engine;
  hooks: RunHooks;
  /** Processes that need the same maps, and share out the work. */
  ranks: Ranks;
}

export interface GuidedMaskingOptions extends MaskingPolicy {
  seed: number;
  batchSize: number;
  mapCrop: PatchWeightOptions["mapCrop"];
  mapSource: MapSource;
}

const GUIDES = { attention: "by attention", entropy: "by entropy", mask: "by given masks" } as const;
const ROLES = { hide: "", keep: ", the most attended kept", alternate: ", the most attended hidden or kept" } as const;

/** What masking follows, in the words of a sentence: the paper's is "by attention". */
export function guidanceOf({
  mapSource,
  attended,
  randomShare,
}: Pick<GuidedMaskingOptions, "mapSource" | keyof MaskingPolicy>): string {
  const random = randomShare > 0 ? `, ${Number((100 * randomShare).toFixed(1))} % of the images at random` : "";
  return `${GUIDES[mapSource]}${ROLES[attended]}${random}`;
}

/** Masking guided by a map of each training image: makes the maps, and draws by them which patches are masked, thrown and kept. */
export class GuidedMasking {
  readonly #run: MaskedRun;
  readonly #options: GuidedMaskingOptions;
  readonly #maps: MapBank;
  readonly #warnUniform: (epoch: number) => void;
  /** Maps that no training changes are there. */
  #made = false;

  constructor(run: MaskedRun, options: GuidedMaskingOptions) {
    const { config, loader, hooks } = run;
    const { seed, mapCrop, mapSource } = options;
    this.#run = run;
    this.#options = options;
    this.#maps = new MapBank(loader.samples.length, patchCount(config), seed, { ...config, mapCrop });
    // Images in which nothing is outlined are no fault.
    this.#warnUniform = mapSource === "mask" ? () => undefined : warnUniform(hooks);
  }

  /**
   * Makes the maps before an epoch.
   *
   * @param due whether those of a model that learns are to be made anew.
   * @throws MsmaeError NonFiniteLoss when the attention has no numbers any more; Data where `mask` is asked for and there is none.
   */
  async refresh(due: boolean): Promise<void> {
    const { mapSource, batchSize } = this.#options;
    const parts = { ...this.#run, maps: this.#maps, batchSize };
    if (mapSource === "attention") {
      if (due) await refreshMaps(parts);
    } else if (!this.#made) {
      await fixedMaps[mapSource](parts);
      this.#made = true;
    }
  }

  /** Weights of the patches of image `b` of a batch, float32 [patches]: its map, following the crop. */
  weights({ indices, geometries }: Batch, b: number): Float32Array {
    return this.#maps.weights(indices[b] as number, geometries[b] as Batch["geometries"][number]);
  }

  /** What becomes of the patches of image `b` of a batch in this epoch. */
  select(
    batch: Pick<Batch, "indices" | "repeats">,
    b: number,
    epoch: number,
    counts: SelectionCounts,
    weights: Float32Array,
  ): Selection {
    const image = batch.indices[b] as number;
    const repeat = batch.repeats[b];
    const streamOf = () => RandomStream.for(this.#options.seed, "roles", epoch, image, repeat ?? 0);
    const byMap = () => this.#maps.drawOrder(image, weights, epoch, repeat);
    const { selection, uniform } = drawSelection(this.#options, weights.length, counts, streamOf, byMap);
    if (uniform) this.#warnUniform(epoch);
    return selection;
  }

  state(): TaskState {
    return this.#maps.state();
  }

  /** @throws MsmaeError Checkpoint when the maps are of another data set or grid. */
  restore(state: TaskState): void {
    // A new run is given a state too, without any maps.
    this.#made = this.#maps.restore(state);
  }
}
