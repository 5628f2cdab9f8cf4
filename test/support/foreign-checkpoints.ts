import { classifierKind } from "../../src/method/kinds/classifier.ts";
import { encoderKind } from "../../src/method/kinds/encoder.ts";
import { linearProbeKind } from "../../src/method/kinds/linear-probe.ts";
import { pretrainedKind } from "../../src/method/kinds/pretrained.ts";
import type { EncoderPreset } from "../../src/method/models/presets.ts";

/** Shapes of a file's tensors by key. */
export type Table = Record<string, readonly number[]>;

const sizes = { inputHeight: 16, inputWidth: 16, patchSize: 8, inChans: 3, numClasses: 5 };
const encoder = { ...sizes, embedDim: 8, depth: 2, numHeads: 2, mlpRatio: 2 };
const decoder = { decoderEmbedDim: 4, decoderDepth: 1, decoderNumHeads: 1 };

const table = (specs: readonly { name: string; shape: readonly number[] }[]): Table =>
  Object.fromEntries(specs.map(({ name, shape }) => [name, shape]));

/** Tiny models under our keys. */
export const own = {
  pretrained: table(pretrainedKind.specs({ ...encoder, ...decoder })),
  averaging: table(classifierKind.specs({ ...encoder, globalPool: "avg" })),
  reading: table(classifierKind.specs({ ...encoder, globalPool: "cls" })),
  probe: table(linearProbeKind.specs({ ...encoder, globalPool: "cls" })),
  encoder: table(encoderKind.specs({ ...encoder, globalPool: "cls" })),
};

/** An encoder of other sizes, of 2x2 patches. */
export function specsOf(sizes: EncoderPreset): Table {
  const side = 2 * sizes.patchSize;
  const config = { ...sizes, inputHeight: side, inputWidth: side, inChans: 3, numClasses: 1 };
  return table(encoderKind.specs({ ...config, globalPool: "cls" }));
}

/** Without the keys that a pattern finds. */
export function without(keys: Table, pattern: RegExp): Table {
  return Object.fromEntries(Object.entries(keys).filter(([key]) => !pattern.test(key)));
}

/** With a name before each key. */
export function wrapped(keys: Table, wrapper: string): Table {
  return Object.fromEntries(Object.entries(keys).map(([key, shape]) => [wrapper + key, shape]));
}

/** With the scale of both branches of each block. */
export function scaled(keys: Table): Table {
  const scales = [0, 1].flatMap((block) => [1, 2].map((branch) => [`blocks.${block}.ls${branch}.gamma`, [8]]));
  return { ...keys, ...Object.fromEntries(scales) };
}

/** DINOv2's as its trainer writes it: blocks in chunks, a mask token. */
export function chunked(keys: Table): Table {
  const named = Object.entries(scaled(keys)).map(([key, shape]) => [key.replace("blocks.", "blocks.0."), shape]);
  return { ...Object.fromEntries(named), mask_token: [1, 8] };
}

const block = (prefix: string, width: number, names: readonly string[]): Table => {
  const [before, after, query, key, value, out, first, second] = names;
  const linear = (name: string | undefined, rows: number, columns: number): Table => ({
    [`${prefix}.${name}.weight`]: [rows, columns],
    [`${prefix}.${name}.bias`]: [rows],
  });
  const norm = (name: string | undefined): Table => ({
    [`${prefix}.${name}.weight`]: [width],
    [`${prefix}.${name}.bias`]: [width],
  });
  return {
    ...norm(before),
    ...Object.assign({}, ...[query, key, value, out].map((name) => linear(name, width, width))),
    ...norm(after),
    ...linear(first, 2 * width, width),
    ...linear(second, width, 2 * width),
  };
};

/** As files of Hugging Face have them, and as its later classes call them. */
export const FILES = [
  ...["layernorm_before", "layernorm_after"],
  ...["attention.attention.query", "attention.attention.key", "attention.attention.value"],
  ...["attention.output.dense", "intermediate.dense", "output.dense"],
];
export const CLASSES = [
  ...["layernorm_before", "layernorm_after"],
  ...["attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj", "mlp.fc1", "mlp.fc2"],
];
const DINOV2 = [
  ...["norm1", "norm2", "attention.attention.query", "attention.attention.key", "attention.attention.value"],
  ...["attention.output.dense", "mlp.fc1", "mlp.fc2"],
];

const embeddings = {
  "embeddings.cls_token": [1, 1, 8],
  "embeddings.position_embeddings": [1, 5, 8],
  "embeddings.patch_embeddings.projection.weight": [8, 3, 8, 8],
  "embeddings.patch_embeddings.projection.bias": [8],
};
const norm = { "layernorm.weight": [8], "layernorm.bias": [8] };

/** Hugging Face's ViTModel without its pooler. */
export function hfEncoder(names = FILES, blocks = "encoder.layer"): Table {
  return { ...embeddings, ...block(`${blocks}.0`, 8, names), ...block(`${blocks}.1`, 8, names), ...norm };
}

/** Hugging Face's ViTForImageClassification. */
export function hfClassifier(names = FILES, blocks = "encoder.layer"): Table {
  return { ...wrapped(hfEncoder(names, blocks), "vit."), "classifier.weight": [5, 8], "classifier.bias": [5] };
}

/** Hugging Face's ViTMAEForPreTraining. */
export function hfMae(names = FILES, blocks = "encoder.layer", painting = "decoder_layers"): Table {
  return {
    ...wrapped(hfEncoder(names, blocks), "vit."),
    "decoder.mask_token": [1, 1, 4],
    "decoder.decoder_pos_embed": [1, 5, 4],
    "decoder.decoder_embed.weight": [4, 8],
    "decoder.decoder_embed.bias": [4],
    ...block(`decoder.${painting}.0`, 4, names),
    "decoder.decoder_norm.weight": [4],
    "decoder.decoder_norm.bias": [4],
    "decoder.decoder_pred.weight": [192, 4],
    "decoder.decoder_pred.bias": [192],
  };
}

/** Hugging Face's Dinov2Model. */
export function hfDinov2(): Table {
  const scales = [0, 1].flatMap((at) => [1, 2].map((n) => [`encoder.layer.${at}.layer_scale${n}.lambda1`, [8]]));
  return { ...hfEncoder(DINOV2), ...Object.fromEntries(scales), "embeddings.mask_token": [1, 8] };
}
