import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { resolveOptions, verbs } from "../../../src/config/index.ts";
import { flops } from "../../../src/inference/flops.ts";
import { inspect } from "../../../src/interop/inspect.ts";
import { writeSafetensorsFile } from "../../../src/interop/safetensors-file.ts";
import { pretrained } from "../micro-models.ts";
import { at, checkpoints, msmae, pretrainedWeights } from "./scene.ts";

describe("flops", () => {
  test("counts of ViT-B/16 are the published ones under both conventions", async () => {
    const result = await flops(resolveOptions(verbs.flops, { repeats: 0 }));
    expect(result.thop.full / 1e9).toBeCloseTo(16.862, 3);
    expect(result.thop.masked / 1e9).toBeCloseTo(4.366, 3);
    expect(result.fvcore.full / 1e9).toBeCloseTo(17.581, 3);
    expect(result.fvcore.masked / 1e9).toBeCloseTo(4.413, 3);
    expect(result.seconds).toBeUndefined();
    expect(result.patches).toEqual({ full: 196, masked: 49 });
  });

  test("the command times both graphs", () => {
    const { code, lines } = msmae("flops", "--model", "vit_micro_patch8", "--input-size", "32x48", "--repeats", "2");
    expect(code).toBe(0);
    const [{ seconds, thop } = {}] = lines as { seconds?: { full: number; masked: number }; thop?: { full: number } }[];
    expect(seconds?.full).toBeGreaterThan(0);
    expect(seconds?.masked).toBeGreaterThan(0);
    expect(thop?.full).toBeGreaterThan(0);
  });
});

describe("flops of networks that see images whole", () => {
  test("count and time them once; masking is none of theirs", () => {
    const { code, lines } = msmae("flops", "--model", "resnet_micro", "--input-size", "64", "--repeats", "2");
    expect(code).toBe(0);
    const [figures] = lines as { seconds: Record<string, number>; thop: Record<string, number>; fvcore: object }[];
    expect(figures?.thop.ratio).toBe(1);
    expect(figures?.thop.masked).toBe(figures?.thop.full);
    expect(figures?.seconds.full).toBeGreaterThan(0);
    expect(figures).not.toHaveProperty("patches");
    const refused = msmae("flops", "--model", "resnet18", "--mask-ratio", "0.5");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("vision transformers alone");
  });

  test("count ResNet-18 and Swin-T as published", async () => {
    const of = (model: string) => flops(resolveOptions(verbs.flops, { model, numClasses: 1000, repeats: 0 }));
    expect((await of("resnet18")).fvcore.full / 1e9).toBeCloseTo(1.82, 2);
    expect((await of("swin_tiny_patch4_window7")).fvcore.full / 1e9).toBeCloseTo(4.5, 1);
  });
});

describe("inspect", () => {
  test("a checkpoint of ours says what it is", async () => {
    const { code, lines } = msmae("inspect", checkpoints.pretrained);
    expect(code).toBe(0);
    const { classNames, mean, std } = pretrained;
    const expected = { kind: "pretrained", model: pretrained.model, numClasses: 3, classNames, mean, std };
    expect(lines[0]).toMatchObject({ ...expected, inputSize: { height: 32, width: 48 }, described: true });
    const result = await inspect(checkpoints.pretrained);
    expect(result.parameters).toBe([...pretrainedWeights.values()].reduce((sum, { length }) => sum + length, 0));
    expect(result.keys).toHaveLength(pretrainedWeights.size);
    expect(result.details).toMatchObject({ patchSize: 8, normPixLoss: true, decoderDepth: 1 });
  });

  const zeros = (...shape: number[]) => ({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape });
  const encoderKeys = (prefix = "") => ({
    [`${prefix}pos_embed`]: zeros(1, 197, 192),
    [`${prefix}patch_embed.proj.weight`]: zeros(192, 3, 16, 16),
    ...Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`${prefix}blocks.${i}.norm1.weight`, zeros(192)])),
  });

  test.each([
    ["classifier", { ...encoderKeys(), "head.weight": zeros(7, 192) }, { model: "vit_tiny_patch16", numClasses: 7 }],
    [
      "pretrained",
      { ...encoderKeys(), "decoder_embed.bias": zeros(8) },
      { model: "msmae_vit_tiny_patch16", numClasses: 0 },
    ],
    [
      "encoder",
      encoderKeys("module."),
      { model: "vit_tiny_patch16", details: expect.objectContaining({ prefix: "module." }) },
    ],
  ] as const)("another program's %s is known by its keys", async (kind, tensors, expected) => {
    const path = at(`foreign-${kind}.safetensors`);
    await writeSafetensorsFile(path, new Map(Object.entries(tensors)));
    const result = await inspect(path);
    expect(result).toMatchObject({
      kind,
      ...expected,
      inputSize: { height: 224, width: 224 },
      classNames: [],
      described: false,
    });
  });

  test("a file of other tensors is unknown; one that is no safetensors file is refused", async () => {
    const path = at("other.safetensors");
    await writeSafetensorsFile(path, new Map([["conv1.weight", zeros(8, 3, 3, 3)]]));
    expect(await inspect(path)).toMatchObject({ kind: "unknown", model: "unknown", inputSize: null, parameters: 216 });
    mkdirSync(at("x"), { recursive: true });
    writeFileSync(at("x", "text.safetensors"), "no tensors here at all");
    expect(msmae("inspect", at("x", "text.safetensors")).code).toBe(4);
  });
});
