import type { FinetuneOptions } from "../../config/index.ts";
import type { Batch } from "../../data/loader/loader.ts";
import { mixImages } from "../../images/mixing/apply.ts";
import { drawMixes, type Mix, mixes } from "../../images/mixing/draw.ts";
import type { ImageModelConfig } from "../../method/models/config.ts";
import { MsmaeError } from "../../support/errors.ts";
import { RandomStream } from "../../support/random.ts";

/** Mixes the images of a batch in place, and tells how each was mixed; undefined where nothing is mixed. */
export type BatchMixer = (batch: Batch, epoch: number, batchIndex: number) => Mix[] | undefined;

/**
 * Mixup and cutmix as the options say. The draws depend on the seed, the epoch and the batch alone.
 *
 * @throws MsmaeError Config, when it mixes, for batches whose targets are classes of pixels.
 */
export function batchMixer(options: FinetuneOptions, config: ImageModelConfig): BatchMixer {
  const { mixupOffEpoch, seed } = options;
  if (!mixes(options)) return () => undefined;
  const size = { height: config.inputHeight, width: config.inputWidth, channels: config.inChans };
  return (batch, epoch, batchIndex) => {
    if (mixupOffEpoch > 0 && epoch >= mixupOffEpoch) return undefined;
    if (batch.target.kind === "mask") throw unmixable();
    const stream = RandomStream.for(seed, "mixing", epoch, batchIndex);
    const drawn = drawMixes(options, { batch: batch.indices.length, ...size }, stream);
    mixImages(batch.images, drawn, size);
    return drawn;
  };
}

function unmixable(): MsmaeError {
  return new MsmaeError("Config", {
    where: "mixup and cutmix",
    expected: "targets that can be mixed: classes or values of images",
    got: "classes of pixels",
    todo: "set both to 0",
  });
}
