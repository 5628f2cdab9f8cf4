import type { MapSource } from "../../config/index.ts";
import type { Batch } from "../../data/loader/loader.ts";
import { attentionGraph } from "../../inference/attention.ts";
import type { PatchWeightOptions } from "../../method/masking/patch-weights.ts";
import { drawSelection, type MaskingPolicy } from "../../method/masking/policy.ts";
import type { Selection, SelectionCounts } from "../../method/masking/selection.ts";
import { patchCount } from "../../method/models/config.ts";
import { RandomStream } from "../../support/random.ts";
import type { TaskState } from "../task.ts";
import { exactMaps, fastAttentionGraph } from "./fast-maps.ts";
import { fixedMaps } from "./fixed-maps.ts";
import { MapBank } from "./map-bank.ts";
import { refreshMaps } from "./map-refresh.ts";
import type { MaskedRun } from "./masked-run.ts";
import { warnUniform } from "./uniform-warning.ts";

export interface GuidedMaskingOptions extends MaskingPolicy {
  seed: number;
  batchSize: number;
  mapCrop: PatchWeightOptions["mapCrop"];
  mapSource: MapSource;
  /** Whether attention is computed by products in int8. */
  fastMaps: boolean;
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
  /** It was told what fast maps change. */
  #told = false;

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
   * @param counts of the patches that they are to choose.
   * @throws MsmaeError NonFiniteLoss when the attention has no numbers any more; Data where `mask` is asked for and there is none.
   */
  async refresh(due: boolean, counts: SelectionCounts): Promise<void> {
    const { mapSource, batchSize } = this.#options;
    if (mapSource === "attention") {
      if (due) await this.#refreshAttention(counts);
    } else if (!this.#made) {
      await fixedMaps[mapSource]({ ...this.#run, maps: this.#maps, batchSize });
      this.#made = true;
    }
  }

  async #refreshAttention(counts: SelectionCounts): Promise<void> {
    const { batchSize, fastMaps } = this.#options;
    const { config, store } = this.#run;
    const parts = { ...this.#run, maps: this.#maps, batchSize };
    if (!fastMaps) return refreshMaps({ ...parts, graph: attentionGraph(config, batchSize) });
    const exact = this.#told ? undefined : await exactMaps(this.#run, batchSize);
    await refreshMaps({ ...parts, graph: fastAttentionGraph(config, batchSize, store) });
    if (exact && exact.size > 0) this.#tellOverlap(exact, counts);
  }

  /** How many of the patches that exact maps keep are kept by the maps that are there, with the same draws. */
  #tellOverlap(exact: ReadonlyMap<number, Float32Array>, counts: SelectionCounts): void {
    this.#told = true;
    let common = 0;
    for (const [image, weights] of exact) {
      const kept = new Set(this.#draw(image, 0, counts, weights).selection.kept);
      const fast = this.#draw(image, 0, counts, this.#maps.map(image)).selection.kept;
      common += fast.filter((patch) => kept.has(patch)).length;
    }
    const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
    const share = percent(common / (exact.size * counts.kept));
    const chance = percent(counts.kept / patchCount(this.#run.config));
    const message = `fast maps keep ${share} of the patches that exact maps keep (the first ${exact.size} images; by chance ${chance})`;
    this.#run.hooks.onEvent?.({ type: "note", message });
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
    const { selection, uniform } = this.#draw(image, epoch, counts, weights, batch.repeats[b]);
    if (uniform) this.#warnUniform(epoch);
    return selection;
  }

  #draw(image: number, epoch: number, counts: SelectionCounts, weights: Float32Array, repeat?: number) {
    const streamOf = () => RandomStream.for(this.#options.seed, "roles", epoch, image, repeat ?? 0);
    const byMap = () => this.#maps.drawOrder(image, weights, epoch, repeat);
    return drawSelection(this.#options, weights.length, counts, streamOf, byMap);
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
