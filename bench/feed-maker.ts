import type { Feeds } from "../src/engine/runtime/program.ts";
import { Normalizer } from "../src/images/transforms/normalize.ts";
import { classTargets, FeedBuilder } from "../src/method/feeds.ts";
import type { Feeder } from "../src/method/kinds/kind.ts";
import {
  attentionCounts,
  attentionOrder,
  randomCounts,
  randomOrder,
  type Selection,
  selectFromAttentionOrder,
  selectFromRandomOrder,
} from "../src/method/masking/selection.ts";
import { type EncoderConfig, patchCount } from "../src/method/models/config.ts";
import { RandomStream } from "../src/support/random.ts";
import type { Phase } from "./phases.ts";

const seed = 0;

/** Feeds over fixed random images, made by the code that training uses. Masks and drop-path differ from step to step. */
export class FeedMaker {
  readonly #config: EncoderConfig;
  readonly batch: number;
  readonly normalizer: Normalizer;
  readonly #builder: FeedBuilder;
  /** uint8 [batch, H, W, C] */
  readonly #images: Uint8Array;
  /** float64 [L] per image, as an attention map gives them. */
  readonly #maps: Float64Array[];

  constructor(config: EncoderConfig, batch: number) {
    const { inputHeight, inputWidth, inChans } = config;
    const stream = RandomStream.for(seed, "phantom");
    this.#config = config;
    this.batch = batch;
    this.normalizer = new Normalizer(inChans as 1 | 3);
    this.#builder = new FeedBuilder(config, this.normalizer);
    this.#images = Uint8Array.from(
      { length: batch * inputHeight * inputWidth * inChans },
      () => 256 * stream.uniform(),
    );
    this.#maps = Array.from({ length: batch }, () =>
      Float64Array.from({ length: patchCount(config) }, () => stream.uniform() + 1e-3),
    );
  }

  whole(): Feeds {
    return this.by(this.#builder);
  }

  /** The whole images as another model is fed. */
  by(feeder: Feeder): Feeds {
    return feeder.whole(this.#images, this.batch);
  }

  kept(step: number): Feeds {
    return this.#builder.kept(this.#images, this.selections(step, "finetune"));
  }

  reconstruction(step: number, phase: Phase): Feeds {
    return this.#builder.reconstruction(this.#images, this.selections(step, phase), false);
  }

  classes(share: number): Feeds {
    const { numClasses } = this.#config;
    const labels = Array.from({ length: this.batch }, (_, b) => b % numClasses);
    return { classTargets: classTargets(labels, numClasses, share) };
  }

  /** Classes of pixels, uint8 [batch, 1, H, W]: two halves, in the middle of which a pixel is either's. */
  masks(): Feeds {
    const { inputHeight, inputWidth } = this.#config;
    const stream = RandomStream.for(seed, "masks");
    const pixels = { length: this.batch * inputHeight * inputWidth };
    return {
      classes: Uint8Array.from(pixels, (_, i) => ((i % inputWidth) / inputWidth + stream.uniform() > 1 ? 1 : 0)),
    };
  }

  /** Factors [depth, 2, batch]: 0 where an image skips a branch, else 1 / (1 - rate). */
  dropPath(rates: readonly number[], step: number): Feeds {
    const stream = RandomStream.for(seed, "drop-path", step);
    const factor = (rate: number) => (stream.uniform() < rate ? 0 : 1 / (1 - rate));
    return {
      dropPath: Float32Array.from(rates.flatMap((rate) => Array.from({ length: 2 * this.batch }, () => factor(rate)))),
    };
  }

  selections(step: number, phase: Phase): Selection[] {
    const patches = patchCount(this.#config);
    return this.#maps.map((map, b) => {
      const stream = RandomStream.for(seed, "masks", step, b);
      if (phase === "pretrain-random") {
        return selectFromRandomOrder(randomOrder(patches, stream), randomCounts(patches, 0.75));
      }
      const counts = attentionCounts(patches, { maskRatio: 0.45, throwRatio: 0.3 });
      return selectFromAttentionOrder(attentionOrder(map, stream).order, counts);
    });
  }
}
