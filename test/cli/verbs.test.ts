import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commands } from "../../src/apps/cli/verbs/index.ts";
import type { DataPrepareOptions, InspectOptions, PretrainRequest } from "../../src/config/index.ts";
import type { AnonymiseResult } from "../../src/curation/anonymise/index.ts";
import type { PrepareResult } from "../../src/curation/prepare/index.ts";
import type { Prediction } from "../../src/inference/predictor.ts";
import type { FileFailure } from "../../src/inference/read-files.ts";

import type { Inspection } from "../../src/interop/inspect.ts";
import { classificationMetrics } from "../../src/results/metrics/index.ts";
import { MsmaeError } from "../../src/support/errors.ts";
import type { RunHooks } from "../../src/support/events.ts";
import type { PretrainResult } from "../../src/training/tasks/pretrain.ts";
import { body, grey, TestFolder } from "../unit/curation/check/image-folder.ts";
import { run } from "./fakes.ts";

const place = ["--data-path", "images", "--output-dir", "run"];
const pretrained: PretrainResult = { epochs: 3, trainLoss: 0.51234567, checkpoint: "run/last.safetensors", seconds: 9 };

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "msmae-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function capturePretrain() {
  const seen: { options?: PretrainRequest; hooks?: RunHooks } = {};
  const pretrain = async (options: PretrainRequest, hooks: RunHooks): Promise<PretrainResult> => {
    Object.assign(seen, { options, hooks });
    return pretrained;
  };
  return { seen, pretrain };
}

test("flags reach the library as resolved options, in either spelling", async () => {
  const { seen, pretrain } = capturePretrain();
  const argv = ["pretrain", ...place, "--mask_ratio=0.4", "--batch_size", "8", "--norm_pix_loss", "--nb_classes", "4"];
  const { code } = await run([...argv, "--mean", "0.5,0.5,0.5", "--seed", "7", "--input-size", "96"], { pretrain });
  expect(code).toBe(0);
  expect(seen.options).toMatchObject({
    dataPath: "images",
    maskRatio: 0.4,
    batchSize: 8,
    normPixLoss: true,
    numClasses: 4,
    mean: [0.5, 0.5, 0.5],
    seed: 7,
    inputSize: { height: 96, width: 96 },
    strict: false,
  });
});

test("flags win over --config, and --no-… switches off what the file switched on", async () => {
  const { seen, pretrain } = capturePretrain();
  const file = join(folder, "config.yaml");
  writeFileSync(file, "data_path: a\noutputDir: b\nepochs: 9\nstrict: true\nnorm-pix-loss: true\n");
  const { code } = await run(["pretrain", "--config", file, "--epochs", "5", "--no-strict"], { pretrain });
  expect(code).toBe(0);
  expect(seen.options).toMatchObject({ dataPath: "a", outputDir: "b", epochs: 5, strict: false, normPixLoss: true });
});

test("--json writes one document on stdout and leaves the rest to stderr", async () => {
  const pretrain = async (_: PretrainRequest, hooks: RunHooks): Promise<PretrainResult> => {
    hooks.onEvent?.({ type: "warning", message: "2 images skipped" });
    hooks.onEvent?.({ type: "epoch", epoch: 0, metrics: { trainLoss: 0.5 } });
    return pretrained;
  };
  const json = await run(["--json", "pretrain", ...place], { pretrain });
  expect(json.stdout.endsWith("}\n")).toBe(true);
  expect(JSON.parse(json.stdout)).toEqual(pretrained);
  expect(json.stderr).toContain("warning: 2 images skipped\n");
  expect(json.stderr).toContain("trainLoss 0.5\n");
  const people = await run(["pretrain", ...place], { pretrain });
  expect(people.stdout).toBe("epochs      3\ntrainLoss   0.5123\ncheckpoint  run/last.safetensors\nseconds     9\n");
  const quiet = await run(["pretrain", ...place, "--quiet", "--json"], { pretrain });
  expect(quiet.stderr).toBe("warning: 2 images skipped\n");
});

type PredictLine = Prediction | FileFailure;
async function* lines(...values: PredictLine[]): AsyncIterable<PredictLine> {
  yield* values;
}

const good: Prediction = { path: "a.png", class: "glioma", probabilities: { glioma: 0.91234, none: 0.08766 } };
const bad: FileFailure = { path: "b.png", error: { code: "Data", message: "b.png: cut short" } };

test("predict writes a JSON line per file; a bad file does not end the run", async () => {
  const argv = ["predict", "--json", "--checkpoint", "c", "a.png", "b.png"];
  const { code, stdout } = await run(argv, {
    predict: (options) => {
      expect(options.files).toEqual(["a.png", "b.png"]);
      return lines(good, bad);
    },
  });
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([good, bad]);
  expect(code).toBe(0);
});

test("predict for people, and exit code 3 where no file could be read", async () => {
  const argv = ["predict", "--checkpoint", "c", "a.png", "b.png"];
  const some = await run(argv, { predict: () => lines(good, bad) });
  expect(some.stdout).toBe("a.png  glioma  0.9123\nb.png  error[Data]: b.png: cut short\n");
  expect((await run(argv, { predict: () => lines(bad) })).code).toBe(3);
  const sliced = await run(argv, { predict: () => lines({ ...good, slice: 7 }, { ...bad, slice: 0 }) });
  expect(sliced.stdout).toBe("a.png slice 7  glioma  0.9123\nb.png slice 0  error[Data]: b.png: cut short\n");
});

test("inspect takes its checkpoint as an argument and counts tensors for people", async () => {
  const inspected: Inspection = {
    kind: "classifier",
    model: "vit_tiny_patch16",
    numClasses: 2,
    classNames: ["a", "b"],
    inputSize: { height: 64, width: 64 },
    mean: [0.5],
    std: [0.5],
    parameters: 2,
    described: true,
    details: {},
    keys: ["head.weight", "head.bias"].map((key) => ({ key, dtype: "F32", shape: [1] })),
  };
  const inspect = async ({ checkpoint }: InspectOptions) => {
    expect(checkpoint).toBe("c.safetensors");
    return inspected;
  };
  const json = await run(["inspect", "c.safetensors", "--json"], { inspect });
  expect(JSON.parse(json.stdout)).toEqual(inspected);
  const people = await run(["inspect", "c.safetensors"], { inspect });
  expect(people.stdout).toMatch(/keys\s+2 tensors/);
});

test("eval shows the confusion matrix to people", async () => {
  const labels = [...new Array<number>(11).fill(0), ...new Array<number>(4).fill(1)];
  const probabilities = labels.flatMap((label, at) => (label === 1 || at === 0 ? [0.2, 0.8] : [0.9, 0.1]));
  const { roc, calibration, undefinedMetrics, ...figures } = classificationMetrics({
    labels,
    probabilities,
    classNames: ["a", "b"],
  });
  const evaluated = { ...figures, aucMacro: null, split: "test", unreadable: 0 } as const;
  const { stdout } = await run(["eval", "--checkpoint", "c", "--data-path", "d"], { evaluate: async () => evaluated });
  expect(stdout).toMatch(/^aucMacro +not defined$/m);
  expect(stdout).toMatch(/^a {2}.*f1 0\.9524/m);
  expect(stdout).toContain("10  1\n 0  4\n");
});

test.each([
  ["Data", 3],
  ["Checkpoint", 4],
  ["Device", 5],
  ["UnsupportedOp", 5],
  ["Config", 2],
  ["NonFiniteLoss", 1],
  ["Interrupted", 130],
] as const)("an error %s ends with exit code %i and one line on stderr", async (code, exitCode) => {
  const pretrain = () =>
    Promise.reject(new MsmaeError(code, { where: "here", expected: "x", got: "y\n z", todo: "do w" }));
  const result = await run(["pretrain", ...place], { pretrain });
  expect(result).toEqual({
    code: exitCode,
    stdout: "",
    stderr: `error[${code}]: here: expected x, got y\\n z; do w\n`,
  });
});

test("an unforeseen error is called internal, with its stack only under --debug", async () => {
  const pretrain = () => Promise.reject(new TypeError("undefined is not a tensor"));
  const plain = await run(["pretrain", ...place], { pretrain });
  expect(plain.code).toBe(1);
  expect(plain.stderr).toMatch(/^error\[Internal\]: .*undefined is not a tensor.*\n$/);
  const debug = await run(["--debug", "pretrain", ...place], { pretrain });
  expect(debug.stderr).toContain("    at ");
});

test.each([
  ["ENOSPC", 2, "a full disk"],
  ["EACCES", 2, "permission"],
  ["ENOENT", 3, "nothing there"],
])("file system error %s ends with exit code %i", async (errno, code, words) => {
  const pretrain = () => Promise.reject(Object.assign(new Error("low-level"), { code: errno, path: "run/x" }));
  const result = await run(["pretrain", ...place], { pretrain });
  expect(result.code).toBe(code);
  expect(result.stderr).toContain("run/x");
  expect(result.stderr).toContain(words);
});

test("SIGINT aborts the run through its signal and ends with 130", async () => {
  const pretrain = (_: PretrainRequest, hooks: RunHooks) =>
    new Promise<PretrainResult>((_resolve, reject) => {
      hooks.signal?.addEventListener("abort", () => reject(hooks.signal?.reason));
      process.emit("SIGINT");
    });
  const result = await run(["pretrain", ...place], { pretrain });
  expect(result.code).toBe(130);
  expect(result.stderr).toContain("error[Interrupted]");
  expect(process.listenerCount("SIGINT")).toBe(0);
});

test("verbs of a group take their arguments in order, the last of them as many as come", async () => {
  const seen: DataPrepareOptions[] = [];
  const dataPrepare = async (options: DataPrepareOptions): Promise<PrepareResult> => {
    seen.push(options);
    return {
      preset: "btmd",
      outputDir: "d",
      manifest: "d/manifest.json",
      images: 2,
      splits: { train: 2, val: 0, test: 0 },
      counts: { train: { a: 2 }, val: {}, test: {} },
      leftOut: [],
      oddFiles: [],
      notes: [],
      licence: "none",
      alreadyPrepared: false,
    };
  };
  const { code, stdout } = await run(["data", "prepare", "btmd", "a.zip", "b.zip", "--output-dir", "d", "--json"], {
    dataPrepare,
  });
  expect({ code, preset: JSON.parse(stdout).preset }).toEqual({ code: 0, preset: "btmd" });
  expect(seen).toMatchObject([{ preset: "btmd", archives: ["a.zip", "b.zip"], outputDir: "d", seed: 0 }]);
});

test.each([
  [["data"], "msmae data: expected one of show, "],
  [["data", "shwo", "x.dcm"], "did you mean show?"],
  [
    ["data", "show", "x.dcm", "--windwo", "1,2"],
    "expected an option of msmae data show, got an unknown one; did you mean --window?",
  ],
  [["data", "show", "x.dcm", "y.dcm"], "data show: expected flags only"],
  [["data", "show"], "give FILE after the verb"],
  [["data", "prepare", "btmd", "--output-dir", "d"], "archives: expected one or more archives"],
  [["data", "split", "set", "--output", "s.csv", "--folds", "1"], "folds: expected a whole number of at least 2"],
  [["data", "stats", "set", "--slices", "some"], "slices: expected all, first, middle"],
])("%j is answered with %s", async (argv, message) => {
  const { code, stdout, stderr } = await run(argv);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test("data check ends with 3 under --strict where something stands in two splits", async () => {
  const set = new TestFolder();
  try {
    await set.fill(1);
    const { dataCheck } = commands;
    const check = (...flags: string[]) => run(["data", "check", set.data, ...flags], { dataCheck: dataCheck.run });
    expect((await check("--strict")).code).toBe(0);
    await set.picture("test/sick/copy.png", grey(body(100)).png());
    const people = await check();
    expect({ code: people.code, stdout: people.stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^LEAK /m) });
    const strict = await check("--strict", "--json");
    expect({ code: strict.code, json: JSON.parse(strict.stdout) }).toMatchObject({ code: 3, json: { leakage: true } });
  } finally {
    set.remove();
  }
});

test("data anonymise ends with 3 where a file failed", async () => {
  const argv = ["data", "anonymise", "a", "b", "--output-dir", "o", "--keep", "device,uids"];
  const seen: unknown[] = [];
  const anonymise = (failed: AnonymiseResult["failed"]) => async (options: unknown) => {
    seen.push(options);
    const counts = { files: 2, written: 1, patients: 1, studies: 1, series: 1 };
    return { outputDir: "o", ...counts, leftOut: [], failed, review: [] };
  };
  expect((await run(argv, { dataAnonymise: anonymise([]) })).code).toBe(0);
  expect((await run(argv, { dataAnonymise: anonymise([{ path: "a", reason: "cut short" }]) })).code).toBe(3);
  expect(seen[0]).toMatchObject({ inputs: ["a", "b"], outputDir: "o", keep: ["device", "uids"] });
});
