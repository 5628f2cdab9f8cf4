import { describe, expect, test } from "vitest";
import { foreignModel } from "../../../src/interop/foreign-model.ts";
import { own, specsOf, type Table } from "../../support/foreign-checkpoints.ts";

const shapes = (keys: Table) => new Map(Object.entries(keys));

describe("the shape of a model is read off its tensors", () => {
  test.each([
    ["pretrained", own.pretrained, "cls", 5],
    ["classifier", own.averaging, "avg", 5],
    ["classifier", own.reading, "cls", 5],
    ["linear-probe", own.probe, "cls", 5],
    ["encoder", own.encoder, "cls", 0],
  ] as const)("%s", (name, keys, globalPool, classes) => {
    const { kind, config, ...found } = foreignModel("x", shapes(keys), { numHeads: 2, decoderHeads: 1 });
    expect(kind.name).toBe(name);
    expect(found).toEqual({ model: "unknown", classes });
    expect(config).toMatchObject({
      ...{ inputHeight: 16, inputWidth: 16, patchSize: 8, inChans: 3, embedDim: 8, depth: 2, numHeads: 2, mlpRatio: 2 },
      ...(name === "pretrained" ? { decoderEmbedDim: 4, decoderDepth: 1, decoderNumHeads: 1 } : { globalPool }),
    });
    expect(config).not.toHaveProperty("normEpsilon");
  });

  test("a preset's name and heads, whatever the patches; its decoder's too", () => {
    const tiny = { patchSize: 14, embedDim: 192, depth: 12, numHeads: 3, mlpRatio: 4 };
    const found = foreignModel("x", shapes(specsOf(tiny)));
    expect(found).toMatchObject({ model: "vit_tiny_patch16", config: { numHeads: 3, patchSize: 14, inputHeight: 28 } });
  });

  test("heads of 64 features where there is no preset; what is said wins", () => {
    const wide = { patchSize: 8, embedDim: 256, depth: 1, numHeads: 1, mlpRatio: 1 };
    expect(foreignModel("x", shapes(specsOf(wide))).config.numHeads).toBe(4);
    expect(foreignModel("x", shapes(specsOf(wide)), { numHeads: 8, normEpsilon: 1e-12 }).config).toMatchObject({
      numHeads: 8,
      normEpsilon: 1e-12,
    });
    expect(foreignModel("x", shapes(specsOf(wide)), { normEpsilon: 1e-6 }).config).not.toHaveProperty("normEpsilon");
  });

  test("a grid that is not square must be said", () => {
    const keys = { ...own.encoder, pos_embed: [1, 7, 8] };
    expect(() => foreignModel("x", shapes(keys))).toThrow(
      /positions of a square grid, got 6 positions; .*--input-size/,
    );
    const otherwise = { height: 16, width: 24 };
    expect(foreignModel("x", shapes(keys), { otherwise }).config).toMatchObject({ inputHeight: 16, inputWidth: 24 });
    const beside = { inputSize: { height: 24, width: 16 } };
    expect(foreignModel("x", shapes(keys), beside).config).toMatchObject({ inputHeight: 24, inputWidth: 16 });
    // What stands beside the file but has another number of patches is not believed.
    expect(foreignModel("x", shapes(own.encoder), beside).config).toMatchObject({ inputHeight: 16, inputWidth: 16 });
  });

  test("tensors without blocks are no model", () => {
    const keys = { "patch_embed.proj.weight": [8, 3, 8, 8], pos_embed: [1, 5, 8] };
    expect(() => foreignModel("x", shapes(keys))).toThrow(/the tensors of a vision transformer/);
  });
});
