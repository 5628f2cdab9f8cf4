import { describe, expect, test } from "vitest";
import type { LayoutName } from "../../../../src/config/checkpoint-layouts.ts";
import { ownForm } from "../../../../src/interop/layouts/own-form.ts";
import { recognise } from "../../../../src/interop/layouts/registry.ts";
import {
  CLASSES,
  chunked,
  FILES,
  hfClassifier,
  hfDinov2,
  hfEncoder,
  hfMae,
  own,
  scaled,
  type Table,
  without,
  wrapped,
} from "../../../support/foreign-checkpoints.ts";

const IMAGENET = [0.485, 0.456, 0.406];
const HALF = [0.5, 0.5, 0.5];
const bare = without(own.pretrained, /^head\./);
const trained = (keys: Table, wrapper: string) => ({
  ...wrapped(keys, `student.${wrapper}`),
  ...wrapped(keys, `teacher.${wrapper}`),
  [`teacher.${wrapper.replace("backbone.", "")}dino_head.mlp.0.weight`]: [2, 8],
});

describe("files of other programs become ours to the key and shape", () => {
  test.each<[string, Table, LayoutName, readonly number[], Table, LayoutName?]>([
    ["MAE, pre-trained", bare, "mae", IMAGENET, bare],
    ["MAE, pre-trained, in a wrapper", wrapped(bare, "module.model."), "mae", IMAGENET, bare],
    ["MAE, fine-tuned", own.averaging, "mae", IMAGENET, own.averaging],
    ["MAE, linear probe", own.probe, "mae", IMAGENET, own.probe],
    ["MSMAE", own.pretrained, "msmae", IMAGENET, own.pretrained],
    ["timm, cls token", own.reading, "timm", HALF, own.reading],
    ["timm, layer scale", scaled(own.reading), "timm", HALF, own.reading],
    ["timm, encoder", own.encoder, "timm", IMAGENET, own.encoder],
    ["DINO", trained(own.encoder, "module.backbone."), "dino", IMAGENET, own.encoder],
    ["DINOv2", chunked(own.encoder), "dinov2", IMAGENET, own.encoder],
    [
      "DINO, the teacher alone",
      { ...wrapped(own.encoder, "backbone."), "head.last_layer.weight_g": [8, 1] },
      "dino",
      IMAGENET,
      own.encoder,
    ],
    [
      "RETFound, DINOv2, the teacher alone",
      wrapped(chunked(own.encoder), "backbone."),
      "retfound",
      IMAGENET,
      own.encoder,
    ],
    ["RETFound, DINOv2", trained(chunked(own.encoder), "backbone."), "retfound", IMAGENET, own.encoder],
    ["RETFound, MAE, when it is said", bare, "retfound", IMAGENET, bare, "retfound"],
    ["a classifier said to be MAE's", own.reading, "mae", IMAGENET, own.reading, "mae"],
    ["Hugging Face, ViTMAE", hfMae(), "hf-vitmae", IMAGENET, bare],
    ["Hugging Face, ViTMAE by later classes", hfMae(CLASSES, "layers"), "hf-vitmae", IMAGENET, bare],
    [
      "Hugging Face, ViTMAE as 5 writes it",
      hfMae(FILES, "encoder.layer", "decoder_encoder.layer"),
      "hf-vitmae",
      IMAGENET,
      bare,
    ],
    ["Hugging Face, ViT", hfClassifier(), "hf-vit", HALF, own.reading],
    ["Hugging Face, ViT by later classes", hfClassifier(CLASSES, "layers"), "hf-vit", HALF, own.reading],
    ["Hugging Face, ViT without head", hfEncoder(), "hf-vit", HALF, own.encoder],
    ["Hugging Face, DINOv2", hfDinov2(), "dinov2", IMAGENET, own.encoder],
  ])("%s", (_, keys, layout, mean, expected, asked) => {
    const file = new Map(Object.entries(keys));
    const found = recognise(file, asked);
    expect(found?.layout.name).toBe(layout);
    expect(found?.layout.normalization.mean).toEqual(mean);
    if (!found) return;
    const { tensors } = ownForm("x", file, found);
    expect(Object.fromEntries([...tensors].map(([key, { shape }]) => [key, [...shape]]))).toEqual(expected);
  });
});

test("of student and teacher the teacher is taken, and what is not of the model is told", () => {
  const file = new Map(Object.entries({ ...trained(own.encoder, "module.backbone."), epoch: [1] }));
  const found = recognise(file);
  expect(found?.wrapper).toBe("teacher.module.backbone.");
  expect(found?.sources.get("cls_token")).toBe("teacher.module.backbone.cls_token");
  const { dropped } = found ? ownForm("x", file, found) : { dropped: [] };
  expect(dropped).toContain("student.module.backbone.cls_token");
  expect(dropped).toContain("teacher.module.dino_head.mlp.0.weight");
  expect(dropped).toContain("epoch");
  expect(dropped).toHaveLength(Object.keys(own.encoder).length + 2);
});

test("files without patches hold none of them", () => {
  expect(recognise(new Map([["conv1.weight", [8, 3, 3, 3]]]))).toBeUndefined();
  const swin = new Map([
    ["patch_embed.proj.weight", [8, 3, 4, 4]],
    ["layers.0.blocks.0.norm1.weight", [8]],
  ]);
  expect(recognise(swin)).toBeUndefined();
});

test("a key of Hugging Face that nobody knows stays, so that loading refuses it", () => {
  const file = new Map(Object.entries({ ...hfClassifier(), "vit.encoder.layer.0.attention.unheard.weight": [8, 8] }));
  const found = recognise(file);
  const keys = found ? [...ownForm("x", file, found).tensors.keys()] : [];
  expect(keys).toContain("encoder.layer.0.attention.unheard.weight");
});

describe("models that ours cannot be are refused by name", () => {
  test.each<[string, Table, RegExp]>([
    [
      "BEiT",
      { "blocks.0.attn.relative_position_bias_table": [9, 2] },
      /got one with a relative position bias \(BEiT\)/,
    ],
    ["registers of timm", { reg_token: [1, 4, 8] }, /register tokens/],
    ["registers of DINOv2", { register_tokens: [1, 4, 8] }, /register tokens/],
    ["DINOv3", { "rope_embed.periods": [4] }, /rotary positions \(DINOv3, EVA\)/],
    ["SAM", { "blocks.0.attn.rel_pos_h": [27, 4] }, /relative positions \(SAM\)/],
    ["DeiT with distillation", { dist_token: [1, 1, 8] }, /a distillation token \(DeiT\)/],
    ["SwiGLU", { "blocks.0.mlp.w12.weight": [32, 8] }, /a gated MLP/],
    ["normalised queries", { "blocks.0.attn.q_norm.weight": [4] }, /normalised queries and keys/],
    ["CLIP", { "norm_pre.weight": [8] }, /a norm before the blocks/],
    ["attention pooling", { "attn_pool.latent": [1, 1, 8] }, /attention pooling/],
  ])("%s", (_, more, message) => {
    const file = new Map(Object.entries({ ...own.encoder, ...more }));
    const found = recognise(file);
    expect(found).toBeDefined();
    if (found) expect(() => ownForm("x", file, found)).toThrow(message);
  });

  test("patches without a cls token", () => {
    const file = new Map(Object.entries(without(own.averaging, /^cls_token$/)));
    const found = recognise(file);
    expect(found).toBeDefined();
    if (found) expect(() => ownForm("x", file, found)).toThrow(/^x: expected .* got one with no cls token/);
  });
});
