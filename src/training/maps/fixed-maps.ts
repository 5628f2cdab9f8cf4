import type { MapSource } from "../../config/index.ts";
import { type Batch, ImageLoader } from "../../data/loader/loader.ts";
import { targetOf } from "../../data/targets/target.ts";
import { entropyMap } from "../../method/masking/entropy-map.ts";
import { type EncoderConfig, patchCount } from "../../method/models/config.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { RunHooks } from "../../support/events.ts";
import { IGNORED } from "../../support/ignored.ts";
import type { MapBank } from "./map-bank.ts";

/** What maps that no model makes are made from. */
export interface FixedMapParts {
  config: EncoderConfig;
  /** Of the training images. */
  loader: ImageLoader;
  maps: MapBank;
  batchSize: number;
  hooks: RunHooks;
}

/** Makes the maps of all training images, once for a training. */
export const fixedMaps: Record<Exclude<MapSource, "attention">, (parts: FixedMapParts) => Promise<void>> = {
  async entropy(parts) {
    const { config, loader } = parts;
    const values = config.inputHeight * config.inputWidth * config.inChans;
    await setMaps("entropy of patches", loader, parts, ({ images }, b) =>
      entropyMap(images.subarray(b * values, (b + 1) * values), config),
    );
  },

  /** The share of each patch that is outlined; of an image in which nothing is, all patches weigh the same. */
  async mask(parts) {
    const { samples, options } = parts.loader;
    if (!samples.some(({ masks = [] }) => masks.length > 0)) {
      throw new MsmaeError("Data", {
        where: "training images",
        expected: "masks of lesions in some of them, for --map-source mask",
        got: "none",
        todo: "name them in a column mask of a CSV file (docs/data.md), or take another --map-source",
      });
    }
    const outlined = samples.map((sample) => ({ ...sample, masks: sample.masks ?? [] }));
    const reading = { ...options, target: { kind: "mask" }, coverage: false, cacheMb: 0 } as const;
    await using reader = new ImageLoader(outlined, reading);
    await setMaps("masks of lesions", reader, parts, (batch, b) =>
      outlinedShares(targetOf(batch, "mask").classes, b, parts.config),
    );
  },
};

/** Sets the map of every image that a loader reads. @param mapOf of image `b` of a batch, float32 [patches]. */
async function setMaps(
  name: string,
  loader: ImageLoader,
  { maps, batchSize, hooks }: Pick<FixedMapParts, "maps" | "batchSize" | "hooks">,
  mapOf: (batch: Batch, b: number) => Float32Array,
): Promise<void> {
  let done = 0;
  hooks.onEvent?.({ type: "phase", name, total: maps.images });
  for await (const batch of loader.inOrder({ batchSize })) {
    hooks.signal?.throwIfAborted();
    batch.indices.forEach((image, b) => {
      maps.set(image, mapOf(batch, b));
    });
    batch.release();
    done += batch.indices.length;
    hooks.onEvent?.({ type: "phase-progress", done });
  }
}

/** Of each patch of image `b` the share that is outlined, float32 [patches], from classes [B, H, W]. */
function outlinedShares(classes: Uint8Array, b: number, config: EncoderConfig): Float32Array {
  const { inputHeight, inputWidth, patchSize } = config;
  const shares = new Float32Array(patchCount(config));
  const columns = inputWidth / patchSize;
  const start = b * inputHeight * inputWidth;
  for (let pixel = 0; pixel < inputHeight * inputWidth; pixel++) {
    const label = classes[start + pixel] as number;
    if (label === 0 || label === IGNORED) continue;
    const row = Math.floor(pixel / inputWidth / patchSize);
    const patch = row * columns + Math.floor((pixel % inputWidth) / patchSize);
    shares[patch] = (shares[patch] as number) + 1 / patchSize ** 2;
  }
  return shares;
}
