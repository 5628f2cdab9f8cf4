import { describe, expect, test } from "vitest";
import { configNotes, resolveOptions, resolveRun } from "../../../src/config/resolve.ts";
import { verbs } from "../../../src/config/verbs/index.ts";

const start = { dataPath: "images", outputDir: "run", init: "scratch" } as const;
const { pretrain, finetune, segment } = verbs;

describe.each([
  ["pretrain", (more: object) => resolveRun(pretrain, { ...start, ...more }), pretrain],
  ["finetune", (more: object) => resolveRun(finetune, { ...start, ...more }), finetune],
  ["segment", (more: object) => resolveRun(segment, { ...start, ...more }), segment],
] as const)("--precision of %s", (_, resolved, verb) => {
  test("is fp32 unless told otherwise", () => {
    expect(resolved({}).precision).toBe("fp32");
    expect(resolved({ precision: "int8" }).precision).toBe("int8");
    expect(resolved({ precision: "int8-all" }).precision).toBe("int8-all");
  });

  test("int8 is told, with what was seen of it", () => {
    const notes = (more: object) =>
      configNotes(verb as typeof finetune, resolved(more) as ReturnType<typeof resolveRun<typeof finetune>>);
    expect(notes({}).join()).not.toContain("precision");
    expect(notes({ precision: "int8" })).toContainEqual(
      expect.stringMatching(/^--precision int8 rounds what .* read to 8 bits .* lost nothing/),
    );
    expect(notes({ precision: "int8-all" })).toContainEqual(
      expect.stringMatching(
        /^--precision int8-all rounds all that .* multiply to 8 bits .* lost nothing by it at usual learning rates/,
      ),
    );
  });

  test("fp16 is for graphics cards alone, and told", () => {
    expect(() => resolved({ precision: "fp16" })).toThrow(
      /precision: expected fp32, int8, int8-all or auto on cpu, got fp16; leave out --precision, or use --device webgpu/,
    );
    const onCard = resolved({ precision: "fp16", device: "webgpu" });
    expect(onCard.precision).toBe("fp16");
    expect(
      configNotes(verb as typeof finetune, onCard as ReturnType<typeof resolveRun<typeof finetune>>),
    ).toContainEqual(expect.stringMatching(/^--precision fp16 rounds all that .* to 16 bits/));
    expect(resolved({ precision: "fp16", device: "cuda" }).precision).toBe("fp16");
  });

  test("int8 is for CPUs alone", () => {
    expect(() => resolved({ precision: "int8", device: "webgpu" })).toThrow(
      /precision: expected fp32 or fp16 on webgpu, got int8; leave out --precision, or use --device cpu/,
    );
    expect(() => resolved({ precision: "int8-all", device: "webgpu" })).toThrow(/got int8-all; leave out/);
  });
});

describe("--precision auto", () => {
  const auto = { ...start, precision: "auto" } as const;
  const quickest = process.arch === "x64" ? "int8-all" : "fp32";

  test("is int8-all for transformers of which it was shown, before anything is written down", () => {
    expect(resolveRun(pretrain, { ...auto, model: "msmae_vit_tiny_patch16" }).precision).toBe(quickest);
    expect(resolveRun(finetune, { ...auto, model: "vit_small_patch16" }).precision).toBe(quickest);
    expect(resolveRun(finetune, { ...auto, model: "vit_micro_patch8", inputSize: "64" }).precision).toBe("fp32");
    expect(resolveRun(pretrain, { ...auto, model: "msmae_vit_large_patch16" }).precision).toBe("fp32");
    expect(resolveRun(finetune, { ...auto, model: "resnet18" }).precision).toBe("fp32");
  });

  test("is decided when the model is known, which a checkpoint may tell", () => {
    const begun = { model: "vit_tiny_patch16", inputSize: { height: 224, width: 224 }, inChans: 3 };
    const request = resolveOptions(finetune, { ...auto, init: undefined, finetune: "pretrained" });
    expect(request.precision).toBe("auto");
    expect(resolveRun(finetune, request, { ...begun, mean: [0, 0, 0], std: [1, 1, 1] }).precision).toBe(quickest);
  });

  test("is fp32 on a graphics card, and of a segmenter, whose head takes the time", () => {
    const tiny = { ...auto, model: "vit_tiny_patch16" };
    expect(resolveRun(finetune, { ...tiny, device: "webgpu" }).precision).toBe("fp32");
    expect(resolveRun(segment, tiny).precision).toBe("fp32");
  });
});

describe("--fast-maps", () => {
  test("are off unless asked for, and for a CPU and maps of attention alone", () => {
    const resolved = (more: object) => resolveRun(finetune, { ...start, ...more });
    expect(resolved({}).fastMaps).toBe(false);
    expect(resolved({ fastMaps: true }).fastMaps).toBe(true);
    expect(() => resolved({ fastMaps: true, device: "webgpu" })).toThrow(
      /fastMaps: expected a CPU, got --device webgpu/,
    );
    expect(() => resolved({ fastMaps: true, mapSource: "entropy" })).toThrow(
      /maps of attention, got --map-source entropy/,
    );
    expect(() => resolved({ fastMaps: true, model: "resnet18" })).toThrow(/fastMaps/);
    expect(resolveRun(segment, { ...start, fastMaps: true }).fastMaps).toBe(true);
  });
});
