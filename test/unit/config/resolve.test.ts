import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../src/config/problems.ts";
import { chosenRecipe } from "../../../src/config/recipe.ts";
import { configNotes, resolveConfig, resolveOptions, resolveRun } from "../../../src/config/resolve.ts";
import { verbs } from "../../../src/config/verbs/index.ts";
import { MsmaeError } from "../../../src/support/errors.ts";

const place = { dataPath: "images", outputDir: "run" };
const scratch = { ...place, init: "scratch" } as const;

/** The problems of a configuration as `where: todo` under their places. */
function problemsOf(run: () => unknown): Map<string, { expected: string; got: string; todo: string }> {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return new Map(error.problems.map((parts) => [parts.where, parts]));
    throw error;
  }
  return new Map();
}

const paper = { recipe: "paper" } as const;

test("pre-training defaults of the paper's recipe are the paper's", () => {
  expect(resolveOptions(verbs.pretrain, { ...place, ...paper })).toEqual({
    ...{ ...place, ...paper },
    valSplit: 0.1,
    labelShare: 1,
    cropMinScale: 0.2,
    hflip: 0.5,
    vflip: 0,
    rot90: false,
    rotate: 0,
    zoom: 0,
    elasticProb: 0.5,
    colorJitterProb: 1,
    intensity: 0,
    reprob: 0,
    remode: "pixel",
    recount: 1,
    augInterpolation: "random",
    augFill: "mean",
    window: "auto",
    group: "auto",
    mergeLabels: false,
    sliceAxis: "axial",
    alpha: "drop",
    slices: "all",
    method: "msmae",
    model: "msmae_vit_base_patch16",
    saveEvery: 20,
    epochs: 300,
    batchSize: 64,
    accumIter: 1,
    blr: 1e-3,
    weightDecay: 0.05,
    minLr: 0,
    warmupEpochs: 40,
    maskRatio: 0.45,
    throwRatio: 0.3,
    randomMaskRatio: 0.75,
    attentionStartEpoch: 41,
    mapInterval: 40,
    mapWarmupEpochs: 40,
    fastMaps: false,
    mapCrop: "aligned",
    mapSource: "attention",
    mapHeads: "min-max",
    mapBlocks: "last",
    attended: "hide",
    randomShare: 0,
    clsLoss: "softmax-ce",
    clsLossWeight: 0.1,
    normPixLoss: false,
    init: "scratch",
    allowPartial: false,
    inputSize: { height: 224, width: 224 },
    patchSize: 16,
    inChans: 3,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    workers: 2,
    cacheMb: 512,
    strict: false,
    seed: 0,
    threads: 0,
    device: "cpu",
    precision: "fp32",
    exchange: "fp32",
    exchangeParts: 1,
    recompute: "none",
  });
});

test("fine-tuning defaults of the paper's recipe are the paper's", () => {
  expect(resolveOptions(verbs.finetune, { ...place, ...paper, finetune: "c.safetensors" })).toMatchObject({
    mapHeads: "min-max",
    mapBlocks: "last",
    attended: "hide",
    init: "checkpoint",
    epochs: 100,
    batchSize: 64,
    warmupEpochs: 5,
    layerDecay: 0.75,
    dropPath: 0.1,
    smoothing: 0.1,
    mapInterval: 20,
    minLr: 1e-6,
    globalPool: "avg",
    fullTokenEpochs: 0,
    blr: 1e-3,
    weightDecay: 0.05,
  });
});

test("without a checkpoint or with a named model that is the model at once; else what the checkpoint says, or the usual one", () => {
  const usual = { model: "vit_base_patch16", inputSize: { height: 224, width: 224 }, patchSize: 16, inChans: 3 };
  const scratch = { ...place, ...paper, init: "scratch" } as const;
  expect(resolveOptions(verbs.finetune, scratch)).toMatchObject(usual);
  const from = { ...place, ...paper, finetune: "c.safetensors" };
  const request = resolveOptions(verbs.finetune, from);
  for (const name of Object.keys(usual)) expect(request).not.toHaveProperty(name);
  expect(resolveRun(verbs.finetune, request)).toMatchObject(usual);
  const own = { model: "vit_mini_patch16", inputSize: { height: 64, width: 32 }, patchSize: 8, inChans: 1 };
  expect(resolveRun(verbs.finetune, request, own)).toMatchObject(own);
  const sized = resolveOptions(verbs.finetune, { ...from, inChans: 3, patchSize: 4 });
  expect(resolveRun(verbs.finetune, sized, own)).toMatchObject({ ...own, inChans: 3, patchSize: 4 });
  const named = resolveOptions(verbs.finetune, { ...from, model: "vit_micro_patch8" });
  expect(named).toMatchObject({ ...usual, model: "vit_micro_patch8", patchSize: 8 });
  for (const verb of [verbs.pretrain, verbs.segment, verbs.linprobe]) {
    const model = verb === verbs.pretrain ? "msmae_vit_mini_patch16" : "vit_mini_patch16";
    const asked = resolveOptions(verb, { ...place, finetune: "c.safetensors" });
    expect(resolveRun(verb, asked, { ...own, model })).toMatchObject({ ...own, model });
  }
  const outlining = resolveOptions(verbs.segment, { ...place, finetune: "c.safetensors" });
  expect(resolveRun(verbs.segment, outlining, own)).toMatchObject({ rot90: false });
  expect(resolveRun(verbs.segment, outlining)).toMatchObject({ rot90: true });
});

test("fewer epochs scale the schedule, longer ones keep the paper's, given values stay", () => {
  const schedule = (epochs: number, more = {}) => {
    const options = resolveOptions(verbs.pretrain, { ...place, epochs, ...more });
    return [options.warmupEpochs, options.mapInterval, options.mapWarmupEpochs, options.attentionStartEpoch];
  };
  expect(schedule(30)).toEqual([4, 4, 4, 5]);
  expect(schedule(600)).toEqual([40, 40, 40, 41]);
  expect(schedule(2)).toEqual([0, 1, 0, 1]);
  expect(schedule(1)).toEqual([0, 1, 0, "never"]);
  expect(schedule(30, { mapInterval: 3 })).toEqual([4, 3, 4, 7]);
  expect(schedule(30, { warmupEpochs: 2, attentionStartEpoch: 9 })).toEqual([2, 4, 4, 9]);
  const finetune = resolveOptions(verbs.finetune, { ...scratch, epochs: 20 });
  expect([finetune.warmupEpochs, finetune.mapInterval]).toEqual([1, 4]);
});

test("a method is a set of defaults, of which each gives way to a flag", () => {
  const pretrained = (method: "msmae" | "amt" | "mae", more = {}) => {
    const options = resolveOptions(verbs.pretrain, { ...place, ...paper, method, ...more });
    return [options.clsLossWeight, options.attentionStartEpoch];
  };
  expect(pretrained("msmae")).toEqual([0.1, 41]);
  expect(pretrained("amt")).toEqual([0, 41]);
  expect(pretrained("mae")).toEqual([0, "never"]);
  expect(pretrained("mae", { clsLossWeight: 0.5, attentionStartEpoch: 9 })).toEqual([0.5, 9]);
  const finetuned = (method: "msmae" | "amt" | "mae" | "vit", more = {}) => {
    const { init, maskRatio, throwRatio } = resolveOptions(verbs.finetune, { ...place, method, ...more });
    return [init, maskRatio, throwRatio];
  };
  const finetune = "start.safetensors";
  expect(finetuned("msmae", { finetune })).toEqual(["checkpoint", 0.45, 0.3]);
  expect(finetuned("amt", { finetune })).toEqual(["checkpoint", 0, 0]);
  expect(finetuned("mae", { finetune, maskRatio: 0.4 })).toEqual(["checkpoint", 0.4, 0]);
  expect(finetuned("vit")).toEqual(["scratch", 0, 0]);
  expect(() => finetuned("mae")).toThrow(/a checkpoint to start from/);
  expect(() => resolveConfig(verbs.pretrain, { flags: { ...place, method: "vit" } })).toThrow(/msmae, amt, mae/);
});

test("flags win over the file, and every spelling of a name is the same option", () => {
  const options = resolveConfig(verbs.pretrain, {
    file: "data_path: a\noutput-dir: b\nmaskRatio: 0.2\nepochs: 10\nnb_classes: 4\nnormPixLoss: true",
    flags: {
      dataPath: "c",
      epochs: "12",
      mean: "0.1, 0.2 0.3",
      inputSize: "224x320",
      "attention-start-epoch": "never",
    },
  });
  expect(options).toMatchObject({
    dataPath: "c",
    outputDir: "b",
    maskRatio: 0.2,
    epochs: 12,
    numClasses: 4,
    normPixLoss: true,
    mean: [0.1, 0.2, 0.3],
    inputSize: { height: 224, width: 320 },
    attentionStartEpoch: "never",
  });
});

test("a number of a file stays a number: text there is refused", () => {
  const problems = problemsOf(() =>
    resolveConfig(verbs.pretrain, { file: 'data_path: a\noutput_dir: b\nepochs: "12"' }),
  );
  expect(problems.get("epochs")).toMatchObject({ expected: "a whole number of at least 1", got: '"12"' });
});

test("all problems come at once, fields and contradictions alike", () => {
  const run = () =>
    resolveConfig(verbs.pretrain, {
      file: "mask_ration: 0.2\nclsLoss: softmax_ce\nmean: [0.5]",
      flags: {
        output_dir: "o",
        epochs: "ten",
        inputSize: "220",
        patchSize: "16",
        maskRatio: "0.8",
        model: "vit_tiny_patch16",
      },
    });
  const problems = problemsOf(run);
  expect([...problems.keys()].sort()).toEqual(
    ["clsLoss", "dataPath", "epochs", "inputSize", "maskRatio, throwRatio", "mask_ration", "mean", "model"].sort(),
  );
  expect(problems.get("mask_ration")?.todo).toBe("did you mean maskRatio?");
  expect(problems.get("clsLoss")?.todo).toBe("did you mean softmax-ce?");
  expect(problems.get("model")?.todo).toBe("did you mean msmae_vit_tiny_patch16?");
  expect(problems.get("dataPath")?.got).toBe("nothing");
  expect(run).toThrow(MsmaeError);
  expect(run).toThrow(/8 problems/);
});

test("two spellings of one option in one place are refused", () => {
  const problems = problemsOf(() => resolveConfig(verbs.demo, { file: "output_dir: a\noutputDir: b" }));
  expect(problems.get("outputDir")?.got).toBe("two spellings of it");
});

test.each<[string, keyof typeof verbs, Record<string, unknown>, string]>([
  ["no kept patch", "pretrain", { ...place, inputSize: 32, maskRatio: 0.5, throwRatio: 0.5 }, "maskRatio, throwRatio"],
  ["no masked patch", "pretrain", { ...place, inputSize: 32, maskRatio: 0.2 }, "maskRatio"],
  [
    "nothing left by the random phase",
    "pretrain",
    { ...place, inputSize: 32, randomMaskRatio: 0.9, maskRatio: 0.3 },
    "randomMaskRatio",
  ],
  ["attention after the end", "pretrain", { ...place, epochs: 10, attentionStartEpoch: 10 }, "attentionStartEpoch"],
  ["warm-up beyond the end", "pretrain", { ...place, epochs: 10, warmupEpochs: 11 }, "warmupEpochs"],
  ["full-token epochs beyond the end", "finetune", { ...scratch, epochs: 10, fullTokenEpochs: 11 }, "fullTokenEpochs"],
  ["uneven patches", "finetune", { ...scratch, inputSize: "224x230" }, "inputSize"],
  ["three means of one channel", "pretrain", { ...place, inChans: 1, mean: [0.5, 0.5, 0.5] }, "mean"],
  ["a deviation of zero", "pretrain", { ...place, std: [0.2, 0, 0.2] }, "std"],
  ["two channels", "pretrain", { ...place, inChans: 2 }, "inChans"],
  ["an end rate above the peak", "pretrain", { ...place, minLr: 0.1 }, "minLr"],
  ["fine-tuning from nothing", "finetune", place, "finetune"],
  ["scratch beside a checkpoint", "finetune", { ...scratch, finetune: "c" }, "init"],
  [
    "ratios of a reconstruction",
    "reconstruct",
    { checkpoint: "c", files: ["a"], outputDir: "o", maskRatio: 0.9 },
    "maskRatio, throwRatio",
  ],
  ["ratios of a count", "flops", { maskRatio: 0.9 }, "maskRatio, throwRatio"],
  ["no files", "predict", { checkpoint: "c", files: [] }, "files"],
])("contradiction found: %s", (_, verb, input, where) => {
  const problems = problemsOf(() => resolveConfig(verbs[verb], { flags: input }));
  expect([...problems.keys()]).toEqual([where]);
});

test("ratios of a masking that never runs are not checked", () => {
  const never = { ...place, attentionStartEpoch: "never" as const, maskRatio: 0.9 };
  expect(resolveOptions(verbs.pretrain, never).maskRatio).toBe(0.9);
  expect(
    resolveOptions(verbs.pretrain, { ...place, attentionStartEpoch: 0, inputSize: 64, randomMaskRatio: 0.99 }),
  ).toBeDefined();
});

test("fine-tuning may hide nothing: a single patch is enough", () => {
  const options = resolveOptions(verbs.finetune, { ...scratch, inputSize: 16, maskRatio: 0.5, throwRatio: 0.49 });
  expect(options.inputSize).toEqual({ height: 16, width: 16 });
});

test("a resumed fine-tuning needs no checkpoint to start from", () => {
  expect(resolveOptions(verbs.finetune, { ...place, resume: "run" }).init).toBe("scratch");
});

test("one-channel models take the grey averages of ImageNet", () => {
  expect(resolveOptions(verbs.pretrain, { ...place, inChans: 1 })).toMatchObject({ mean: [0.449], std: [0.226] });
});

test("a note says when masks would follow maps that do not exist yet", () => {
  const early = resolveOptions(verbs.pretrain, { ...place, attentionStartEpoch: 10 });
  expect(configNotes(verbs.pretrain, early)).toEqual([
    expect.stringContaining("starts at epoch 10, but the first maps come at the end of epoch 40"),
  ]);
  expect(configNotes(verbs.pretrain, resolveOptions(verbs.pretrain, place))).toEqual([]);
  const unused = resolveOptions(verbs.pretrain, { ...place, method: "mae", mapSource: "entropy" });
  expect(configNotes(verbs.pretrain, unused)).toEqual([
    expect.stringMatching(/^maps of --map-source entropy are not used/),
  ]);
  expect(configNotes(verbs.pretrain, { ...unused, attentionStartEpoch: 0 })).toEqual([]);
});

test("the mean and deviation of a run from a checkpoint are open until it begins, unless they are given", () => {
  const start = { ...place, finetune: "c.safetensors" };
  const request = resolveOptions(verbs.finetune, { ...start, std: [1, 2, 3] });
  expect(request).not.toHaveProperty("mean");
  const begun = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  expect(resolveRun(verbs.finetune, request, begun)).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [1, 2, 3] });
  expect(resolveRun(verbs.finetune, request)).toMatchObject({ mean: [0.485, 0.456, 0.406], std: [1, 2, 3] });
});

test("the lengths and the recipe of a run that goes on are those it began with, unless they are given; a new run's lengths are the paper's", () => {
  const request = resolveOptions(verbs.pretrain, { ...place, resume: "run", mapInterval: 3 });
  expect(request).toMatchObject({ mapInterval: 3, batchSize: 64 });
  const open = ["epochs", "warmupEpochs", "mapWarmupEpochs", "attentionStartEpoch", "recipe", "clsLoss", "attended"];
  for (const name of open) expect(request).not.toHaveProperty(name);
  const lengths = { epochs: 6, warmupEpochs: 2, mapInterval: 1, mapWarmupEpochs: 1, attentionStartEpoch: "never" };
  const decided = {
    recipe: "small",
    clsLoss: "ce",
    clsLossWeight: 0.5,
    randomMaskRatio: 0.4,
    mapHeads: "mean",
    mapBlocks: "all",
    attended: "keep",
    ...{ mean: [0.1, 0.2, 0.3], std: [1, 2, 3] },
    ...{ model: "msmae_vit_tiny_patch16", inputSize: { height: 64, width: 64 }, patchSize: 8, inChans: 3 },
  };
  const begun = { ...lengths, ...decided };
  const options = resolveRun(verbs.pretrain, request, { ...begun, batchSize: 7 });
  expect(options).toEqual({ ...request, ...begun, mapInterval: 3 });
  expect(resolveRun(verbs.pretrain, { ...request, epochs: 9 }, begun)).toMatchObject({ epochs: 9, warmupEpochs: 2 });
  expect(resolveRun(verbs.pretrain, place)).toEqual(resolveOptions(verbs.pretrain, { ...place, ...paper }));
  const tooShort = problemsOf(() => resolveRun(verbs.pretrain, { ...request, epochs: 1 }, begun));
  expect(tooShort.get("warmupEpochs")).toMatchObject({ expected: "at most the 1 epochs there are", got: "2" });
});

describe("the small recipe", () => {
  const small = { recipe: "small" } as const;
  const pretrained = (more: object) => resolveOptions(verbs.pretrain, { ...place, ...small, ...more });
  const finetuned = (more: object) =>
    resolveOptions(verbs.finetune, { ...place, ...small, finetune: "c.safetensors", ...more });

  test("tells classes plainly and shows what is attended; whatever is given wins", () => {
    expect(pretrained({})).toMatchObject({ clsLoss: "ce", clsLossWeight: 1, attended: "keep", mapBlocks: "all" });
    expect(pretrained({ attended: "hide", clsLossWeight: 0.3 })).toMatchObject({
      clsLoss: "ce",
      clsLossWeight: 0.3,
      attended: "hide",
    });
    expect(pretrained({ method: "mae" })).toMatchObject({
      clsLossWeight: 0,
      attended: "hide",
      randomMaskRatio: 0.75,
      attentionStartEpoch: "never",
    });
  });

  test("fine-tunes on what is attended, and on all patches at the end", () => {
    expect(finetuned({ epochs: 20 })).toMatchObject({
      attended: "keep",
      mapHeads: "mean",
      mapBlocks: "all",
      globalPool: "cls",
      fullTokenEpochs: 7,
      layerDecay: 0.75,
    });
    expect(finetuned({ keepSchedule: "linear" }).fullTokenEpochs).toBe(0);
    expect(finetuned({ method: "mae" })).toMatchObject({ attended: "hide", globalPool: "avg", fullTokenEpochs: 0 });
    expect(finetuned({ method: "vit", finetune: undefined }).layerDecay).toBe(1);
  });

  test("is not for networks that see whole images", () => {
    const network = { model: "resnet18", init: "scratch" } as const;
    expect(resolveOptions(verbs.finetune, { ...place, ...network }).recipe).toBe("paper");
    expect(() => resolveOptions(verbs.finetune, { ...place, ...network, ...small })).toThrow(/recipe: .* got "small"/);
  });
});

test("without a GPU, or with few images, the recipe is the small one", () => {
  expect(chosenRecipe({ images: 100_000, device: "cpu" }).recipe).toBe("small");
  expect(chosenRecipe({ images: 999, device: "cuda" })).toEqual({ recipe: "small", why: "999 training images" });
  expect(chosenRecipe({ images: 1000, device: "cuda" }).recipe).toBe("paper");
});
