import type { Geometry } from "../../geometry/geometry.ts";
import { type PatchWeightOptions, patchWeights } from "../../method/masking/patch-weights.ts";
import { attentionOrder } from "../../method/masking/selection.ts";
import { MsmaeError } from "../../support/errors.ts";
import { RandomStream } from "../../support/random.ts";
import type { TaskState } from "../task.ts";

/** The name of the maps in a state. */
const KEY = "maps";

/**
 * The attention map of every training image, [patches] each; all ones before the first refresh.
 * Source: method.md sections 2 and 3.
 */
export class MapBank {
  readonly #maps: Float32Array;
  readonly #patches: number;
  readonly #options: PatchWeightOptions;
  readonly #seed: number;

  constructor(images: number, patches: number, seed: number, options: PatchWeightOptions) {
    this.#maps = new Float32Array(images * patches).fill(1);
    this.#patches = patches;
    this.#options = options;
    this.#seed = seed;
  }

  get images(): number {
    return this.#maps.length / this.#patches;
  }

  /** All maps, as a checkpoint keeps them. */
  state(): TaskState {
    return { [KEY]: this.#maps };
  }

  /** Puts back what a checkpoint kept; false where it kept none. @throws MsmaeError Checkpoint when the maps are of another data set or grid. */
  restore({ [KEY]: maps }: TaskState): boolean {
    if (maps === undefined) return false;
    if (maps.length !== this.#maps.length) {
      throw new MsmaeError("Checkpoint", {
        where: "attention maps of the resumed run",
        expected: `${this.images} maps of ${this.#patches} patches`,
        got: `${maps.length} values`,
        todo: "resume with the data set and the input size the run was started with",
      });
    }
    this.#maps.set(maps);
    return true;
  }

  set(image: number, map: ArrayLike<number>): void {
    this.#maps.set(map, image * this.#patches);
  }

  map(image: number): Float32Array {
    return this.#maps.subarray(image * this.#patches, (image + 1) * this.#patches);
  }

  /** Weights of an image's patches, float32 [patches]: its map, following the crop. */
  weights(image: number, geometry: Geometry): Float32Array {
    return patchWeights(this.map(image), geometry, this.#options);
  }

  /**
   * Draws the order in which an image's patches are masked, thrown and kept, from their weights.
   *
   * @param repeat how often the image came earlier in the epoch, so that its masks differ.
   */
  drawOrder(image: number, weights: Float32Array, epoch: number, repeat = 0): { order: Uint32Array; uniform: boolean } {
    const key = repeat === 0 ? [epoch, image] : [epoch, image, repeat];
    return attentionOrder(weights, RandomStream.for(this.#seed, "masks", ...key));
  }
}
