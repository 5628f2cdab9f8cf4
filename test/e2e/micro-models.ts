import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { decodeImage } from "../../src/data/pictures/decode-image.ts";
import { initialize } from "../../src/engine/parameters/specs.ts";
import { Resizer } from "../../src/images/transforms/resize.ts";
import {
  type ClassifierDescription,
  kindOf,
  type ModelDescription,
  type PretrainedDescription,
  writeModelFile,
} from "../../src/interop/model-file.ts";
import { gatherPatches, type PatchOrder } from "../../src/method/masking/tokens.ts";
import { type EncoderConfig, patchCount, patchValues } from "../../src/method/models/config.ts";
import { RandomStream } from "../../src/support/random.ts";

const encoder = {
  inputHeight: 32,
  inputWidth: 48,
  patchSize: 8,
  inChans: 3,
  embedDim: 16,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 3,
};
const common = {
  classNames: ["glioma", "meningioma", "no tumour"],
  mean: [0.4, 0.5, 0.6],
  std: [0.2, 0.25, 0.3],
  reading: { window: "auto", axis: "axial" as const, alpha: "drop" as const },
  epoch: 2,
  step: 17,
  seed: 11,
  licence: "Apache-2.0",
  msmaeVersion: "0.1.0",
};

export const classifier: ClassifierDescription = {
  kind: "classifier",
  ...common,
  model: "vit_micro_patch8",
  config: { ...encoder, globalPool: "avg" },
};

export const pretrained: PretrainedDescription = {
  kind: "pretrained",
  ...common,
  model: "msmae_vit_micro_patch8",
  config: { ...encoder, decoderEmbedDim: 8, decoderDepth: 1, decoderNumHeads: 2 },
  normPixLoss: true,
};

/**
 * Writes a checkpoint of random weights and gives them back. They are larger than fresh ones, so that outputs differ
 * between images by far more than rounding.
 */
export async function writeMicroModel(path: string, description: ModelDescription): Promise<Map<string, Float32Array>> {
  const specs = kindOf(description).specs(description.config);
  const weights = new Map<string, Float32Array>();
  for (const spec of specs) {
    const data = new Float32Array(spec.shape.reduce((product, size) => product * size, 1));
    initialize(spec, description.seed, data);
    const tells =
      (spec.name === "head.weight" && description.kind === "classifier") || spec.name.endsWith("cls_seg.weight");
    const scale = tells ? 5e4 : spec.role === "trainable" ? 1.5 : 1;
    weights.set(
      spec.name,
      data.map((value) => value * scale),
    );
  }
  const tensors = specs.map(({ name, shape }) => [name, { data: weights.get(name) as Float32Array, shape }] as const);
  await writeModelFile(path, description, new Map(tensors));
  return weights;
}

/** Writes a smooth random picture, of any format sharp knows by the path's ending. */
export async function writePicture(path: string, seed: number, width = 61, height = 45, channels: 1 | 3 = 3) {
  mkdirSync(dirname(path), { recursive: true });
  const stream = RandomStream.for(seed, "phantom");
  const waves = Array.from({ length: channels }, () => [stream.uniform(), stream.uniform(), stream.uniform()] as const);
  const data = Buffer.alloc(width * height * channels);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (const [a, b, c] of waves) data[at++] = 127 + 120 * Math.sin(a * x * 0.3 + b * y * 0.4 + c * 6);
    }
  }
  await sharp(data, { raw: { width, height, channels } }).toFile(path);
}

/** uint8 → normalised planes [C, H, W] in float64, without the code under test. */
export async function normalisedPlanes(path: string, { config, mean, std }: ModelDescription): Promise<Float64Array> {
  const { inputHeight, inputWidth, inChans } = config;
  const image = await decodeImage(path, { channels: inChans as 1 | 3 });
  const pixels = new Resizer().resize(image, inputHeight, inputWidth, { filter: "bilinear" });
  const area = inputHeight * inputWidth;
  return Float64Array.from({ length: area * inChans }, (_, i) => {
    const channel = Math.floor(i / area);
    const value = (pixels[(i % area) * inChans + channel] as number) / 255;
    return (value - (mean[channel] as number)) / (std[channel] as number);
  });
}

/** Patches of one image [patches, p·p·C], in float64. */
export function patchesOf(
  planes: Float64Array,
  config: EncoderConfig,
  patches: ArrayLike<number> = Array.from({ length: patchCount(config) }, (_, i) => i),
  order: PatchOrder = "channel-row-column",
): Float64Array {
  const { inputHeight: height, inputWidth: width, inChans: channels, patchSize } = config;
  const rows = new Float64Array(patches.length * patchValues(config));
  gatherPatches(planes, { height, width, channels, patchSize }, patches, order, rows, { batch: 1, b: 0 });
  return rows;
}

/** Three classes of pictures, as many in train as in test. */
export async function writeDataSet(root: string, perClass: number): Promise<void> {
  for (const [k, name] of classifier.classNames.entries()) {
    for (let i = 0; i < perClass; i++) {
      await writePicture(join(root, "train", name, `${i}.png`), 100 * k + i);
      await writePicture(join(root, "test", name, `${i}.png`), 1000 + 100 * k + i);
    }
  }
}
