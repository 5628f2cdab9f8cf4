import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { forChannels, normalizationOf, readHead } from "../../../src/interop/checkpoint.ts";
import { convert } from "../../../src/interop/convert.ts";
import { readModelFile } from "../../../src/interop/model-file.ts";
import { readSafetensorsFile, writeSafetensorsFile } from "../../../src/interop/safetensors-file.ts";
import { readTensorFile } from "../../../src/interop/tensor-file.ts";
import { toFloat32 } from "../../../src/interop/tensor-values.ts";
import type { RunEvent } from "../../../src/support/events.ts";
import { hfClassifier, hfEncoder, hfMae, own, type Table, without } from "../../support/foreign-checkpoints.ts";

const root = mkdtempSync(join(tmpdir(), "msmae-convert-"));
afterAll(() => rmSync(root, { recursive: true }));

let folder = "";
let count = 0;
beforeEach(() => {
  folder = join(root, `${count++}`);
  mkdirSync(folder);
});
const at = (name: string) => join(folder, name);

/** A file of tensors whose values are all different. */
async function made(keys: Table, name = "theirs.safetensors"): Promise<string> {
  let next = 0;
  const tensors = Object.entries(keys).map(([key, shape]) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => ++next / 4096);
    return [key, { shape, data }] as const;
  });
  await writeSafetensorsFile(at(name), new Map(tensors));
  return at(name);
}

async function valuesOf(path: string): Promise<Record<string, { shape: readonly number[]; values: number[] }>> {
  const { tensors } = await readSafetensorsFile(path);
  return Object.fromEntries(
    [...tensors].map(([key, tensor]) => [key, { shape: tensor.shape, values: [...toFloat32(tensor)] }]),
  );
}

const heads = { numHeads: 2, decoderNumHeads: 1 };
const headless = without(own.pretrained, /^head\./);

describe("there and back, bit by bit", () => {
  test.each([
    ["mae", headless, { beside: [], loads: "models_mae.MaskedAutoencoderViT" }],
    ["mae", own.averaging, { loads: "models_vit.VisionTransformer(global_pool=True)" }],
    ["timm", own.reading, { layout: "timm", kind: "classifier" }],
    ["timm", own.averaging, { layout: "mae", kind: "classifier" }],
    ["timm", own.encoder, { layout: "timm", kind: "encoder" }],
    ["hf", hfMae(), { layout: "hf-vitmae", kind: "pretrained" }],
    ["hf", hfClassifier(), { layout: "hf-vit", kind: "classifier" }],
    ["hf", hfEncoder(), { layout: "hf-vit", kind: "encoder" }],
  ] as const)("%s: %o", async (to, keys, expected) => {
    const checkpoint = await made(keys);
    const inward = await convert({ checkpoint, output: at("ours.safetensors"), ...heads });
    const outward = await convert({ checkpoint: at("ours.safetensors"), output: at("back.safetensors"), to });
    expect(outward.to).toBe(to);
    expect({ ...inward, beside: outward.beside, loads: outward.loads }).toMatchObject(expected);
    expect(await valuesOf(at("back.safetensors"))).toEqual(await valuesOf(checkpoint));
  });

  test.each([
    ["mae", headless, "out.pth", ["out.json"]],
    ["timm", own.reading, "out.pt", ["out.json"]],
    ["hf", hfClassifier(), "pytorch_model.bin", ["pytorch_model.json", "config.json", "preprocessor_config.json"]],
  ] as const)("%s in a file of torch.save, with what has no place in it beside it", async (to, keys, name, beside) => {
    const checkpoint = await made(keys);
    const said = { mean: [0.1, 0.2, 0.3], std: [1, 2, 3] };
    const result = await convert({ checkpoint, output: at(name), ...heads, ...said, to });
    expect(result.beside).toEqual(beside.map(at));
    const { container, tensors, beside: parts } = await readTensorFile(at(name));
    expect(container).toBe("torch.save");
    const { tensors: expected } = await readSafetensorsFile(checkpoint);
    expect(Object.fromEntries(tensors)).toEqual(Object.fromEntries(expected));
    expect([...parts.keys()]).toEqual([]);
    const isNested = readFileSync(at(name)).includes("X\x05\0\0\0model");
    expect(isNested).toBe(to === "mae");
    const named = to === "mae" ? [] : [0, 1, 2, 3, 4].map((index) => `class ${index}`);
    const facts = JSON.parse(readFileSync(at(beside[0]), "utf8"));
    expect(facts).toEqual({ ...said, class_names: named, licence: "other" });
  });

  test("what stands beside a file of torch.save is read back with it, and what another program wrote there is not", async () => {
    const said = { mean: [0.1, 0.2, 0.3], std: [1, 2, 3] };
    await convert({ checkpoint: await made(own.reading), output: at("out.pth"), ...heads, ...said, to: "timm" });
    const facts = JSON.parse(readFileSync(at("out.json"), "utf8"));
    const named = { class_names: ["a", "b", "c", "d", "e"], licence: "cc-by-4.0" };
    writeFileSync(at("out.json"), JSON.stringify({ ...facts, ...named }));
    expect(normalizationOf(await readHead(at("out.pth")))).toEqual(said);
    await convert({ checkpoint: at("out.pth"), output: at("back.safetensors") });
    const { description } = await readModelFile(at("back.safetensors"));
    expect(description).toMatchObject({ ...said, classNames: named.class_names, licence: named.licence });
    writeFileSync(at("out.json"), JSON.stringify({ ...said }));
    expect(normalizationOf(await readHead(at("out.pth")))?.mean).toEqual([0.5, 0.5, 0.5]);
    expect(normalizationOf(await readHead(at("out.pth"), "mae"))?.mean).toEqual([0.485, 0.456, 0.406]);
  });

  test("a linear probe keeps its statistics for MAE, with PyTorch's count, and has them in its head for timm", async () => {
    const checkpoint = await made(own.probe);
    await convert({ checkpoint, output: at("ours.safetensors"), ...heads });
    await convert({ checkpoint: at("ours.safetensors"), output: at("mae.safetensors"), to: "mae" });
    const { "head.0.num_batches_tracked": tracked, ...others } = await valuesOf(at("mae.safetensors"));
    expect(tracked).toEqual({ shape: [], values: [0] });
    expect(others).toEqual(await valuesOf(checkpoint));
    await convert({ checkpoint: at("ours.safetensors"), output: at("timm.safetensors"), to: "timm" });
    const folded = await valuesOf(at("timm.safetensors"));
    const variance = others["head.0.running_var"]?.values[0] as number;
    const weight = others["head.1.weight"]?.values[0] as number;
    expect(folded["head.weight"]?.values[0]).toBeCloseTo(weight / Math.sqrt(variance + 1e-6), 5);
    expect(Object.keys(folded).sort()).toEqual(Object.keys(own.reading).sort());
  });
});

describe("what comes in describes itself", () => {
  test("a pre-trained model without classes has a head of zeros, which is told, and which does not leave", async () => {
    const said: RunEvent[] = [];
    const output = at("ours.safetensors");
    const result = await convert(
      { checkpoint: await made(headless), output, ...heads },
      { onEvent: (e) => said.push(e) },
    );
    expect(result).toMatchObject({
      layout: "mae",
      missing: ["head.weight", "head.bias"],
      unexpected: [],
      reshaped: [],
    });
    expect(result.tensors).toBe(Object.keys(own.pretrained).length);
    const { description } = await readModelFile(output);
    expect(description).toMatchObject({ kind: "pretrained", classNames: [], mean: [0.485, 0.456, 0.406] });
    expect((await valuesOf(output))["head.weight"]).toEqual({ shape: [1, 8], values: new Array(8).fill(0) });
    expect(said).toHaveLength(1);
    expect(said[0]).toMatchObject({
      type: "note",
      message: expect.stringMatching(
        /MAE \(facebookresearch\/mae\); \d+ tensors fit; 2 new \(head\.weight, head\.bias\); mean 0\.485,0\.456,0\.406 and std/,
      ),
    });
    const timm = await convert({ checkpoint: output, output: at("timm.safetensors"), to: "timm" });
    expect(timm.unexpected).toContain("decoder_pred.weight");
    expect(Object.keys(await valuesOf(at("timm.safetensors"))).sort()).toEqual(Object.keys(own.encoder).sort());
  });

  test("mean, deviation, classes, heads and epsilon stand beside Hugging Face's weights, and go back there", async () => {
    const checkpoint = await made(hfClassifier(), "model.safetensors");
    const id2label = { "0": "a", "1": "b", "2": "c", "3": "d", "4": "e" };
    const config = { model_type: "vit", num_attention_heads: 4, layer_norm_eps: 1e-12, image_size: 16, id2label };
    writeFileSync(at("config.json"), JSON.stringify(config));
    writeFileSync(
      at("preprocessor_config.json"),
      JSON.stringify({ image_mean: [0.1, 0.2, 0.3], image_std: [1, 2, 3] }),
    );
    expect(normalizationOf(await readHead(checkpoint))).toEqual({ mean: [0.1, 0.2, 0.3], std: [1, 2, 3] });
    const { mean, std } = await convert({ checkpoint, output: at("ours.safetensors") });
    expect({ mean, std }).toEqual({ mean: [0.1, 0.2, 0.3], std: [1, 2, 3] });
    const { description } = await readModelFile(at("ours.safetensors"));
    expect(description).toMatchObject({
      classNames: ["a", "b", "c", "d", "e"],
      config: { numHeads: 4, normEpsilon: 1e-12 },
    });
    const back = join(folder, "back");
    mkdirSync(back);
    const result = await convert({
      checkpoint: at("ours.safetensors"),
      output: join(back, "model.safetensors"),
      to: "hf",
    });
    expect(result.beside).toEqual([join(back, "config.json"), join(back, "preprocessor_config.json")]);
    const read = (name: string) => JSON.parse(readFileSync(join(back, name), "utf8"));
    expect(read("config.json")).toMatchObject({ ...config, architectures: ["ViTForImageClassification"] });
    expect(read("preprocessor_config.json")).toMatchObject({ image_mean: [0.1, 0.2, 0.3], image_std: [1, 2, 3] });
  });

  test("another size, other channels and other patches, when they are asked for", async () => {
    const checkpoint = await made(own.reading);
    const output = at("ours.safetensors");
    const sizes = { inputSize: 32, patchSize: 16, inChans: 1, resizePatches: true } as const;
    const result = await convert({ checkpoint, output, ...heads, ...sizes });
    expect(result.reshaped).toEqual(["patch_embed.proj.weight"]);
    expect(result.notes).toEqual(["3 channels as 1 (summed), patches of 8 as 16 pixels"]);
    expect(result.mean).toEqual([0.5]);
    expect((await valuesOf(output))["patch_embed.proj.weight"]?.shape).toEqual([8, 1, 16, 16]);
    const wide = await convert({ checkpoint, output, ...heads, inputSize: { height: 16, width: 32 }, overwrite: true });
    expect(wide).toMatchObject({ reshaped: ["pos_embed"], notes: ["positions 2x2 as 2x4"] });
    await expect(convert({ checkpoint, output, ...heads, patchSize: 4, overwrite: true })).rejects.toThrow(
      /1 reshaped \(patch_embed\.proj\.weight: \[8,3,8,8\] instead of \[8,3,4,4\]\)/,
    );
  });
});

test("a checkpoint of ours says its own mean and deviation, also where they are not its family's", async () => {
  await convert({ checkpoint: await made(headless), output: at("a.safetensors"), ...heads, mean: [0.1, 0.2, 0.3] });
  expect(normalizationOf(await readHead(at("a.safetensors")))?.mean).toEqual([0.1, 0.2, 0.3]);
  expect(normalizationOf(await readHead(await made({ "conv1.weight": [1, 1, 1, 1] })))).toBeUndefined();
  expect(forChannels({ mean: [0, 0.25, 0.5], std: [1, 2, 3] }, 1)).toEqual({ mean: [0.25], std: [2] });
  expect(forChannels({ mean: [0.5], std: [2] }, 3)).toEqual({ mean: [0.5, 0.5, 0.5], std: [2, 2, 2] });
});

describe("refused", () => {
  test.each([
    ["an average for Hugging Face", own.averaging, { to: "hf" }, /reads the cls token.*got one that averages/],
    ["a name that says no format", own.reading, { output: "a.ckpt" }, /ends in \.safetensors, \.pth, \.pt or \.bin/],
    ["a model of ours for PyTorch", own.reading, { output: "a.pth" }, /\.safetensors, for a model of ours.*--to timm/],
    ["a network of another kind", { "conv1.weight": [8, 3, 3, 3] }, {}, /in a layout of docs\/interop\.md/],
    [
      "a block that is incomplete",
      without(own.reading, /blocks\.1\.mlp\.fc1/),
      {},
      /2 missing \(blocks\.1\.mlp\.fc1\.weight/,
    ],
    [
      "a tensor that nothing is known of",
      { ...own.reading, "blocks.0.more": [2] },
      {},
      /1 unexpected \(blocks\.0\.more\)/,
    ],
  ] as const)("%s", async (_, keys, options, message) => {
    const checkpoint = await made(keys);
    const asked = { checkpoint, output: at("out.safetensors"), ...heads, ...options };
    await expect(convert(asked)).rejects.toThrow(message);
  });

  test("what stands there is not replaced unless it is asked for, nor what is read", async () => {
    const checkpoint = await made(own.reading);
    await expect(convert({ checkpoint, output: checkpoint, overwrite: true })).rejects.toThrow(/the file that is read/);
    writeFileSync(at("out.safetensors"), "mine");
    await expect(convert({ checkpoint, output: at("out.safetensors"), ...heads })).rejects.toThrow(/--overwrite/);
    writeFileSync(at("config.json"), "{}");
    const to = { checkpoint, output: at("new.safetensors"), ...heads, to: "hf" } as const;
    await expect(convert(to)).rejects.toThrow(/config\.json: expected a new file/);
  });
});
