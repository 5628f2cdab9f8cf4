import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { commands } from "../../../src/apps/cli/verbs/index.ts";
import { run } from "../../cli/fakes.ts";
import { classifier, pretrained, writeMicroModel } from "../micro-models.ts";
import { flags } from "../runs.ts";
import { segmenter, segmenting, writeMaskedPhantoms } from "./masked.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-bad-masks-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const checkpoints = {
  segmenter: at("segmenter.safetensors"),
  several: at("several.safetensors"),
  classifier: at("classifier.safetensors"),
  pretrained: at("pretrained.safetensors"),
};
const image = at("data/test/disc/0000.png");
let data: Awaited<ReturnType<typeof writeMaskedPhantoms>>;
let rows: string[];

const grey = (path: string, side: number, levelOf: (pixel: number) => number) =>
  sharp(
    Uint8Array.from({ length: side * side }, (_, pixel) => levelOf(pixel)),
    { raw: { width: side, height: side, channels: 1 } },
  )
    .toColourspace("b-w")
    .png()
    .toFile(path);

beforeAll(async () => {
  data = await writeMaskedPhantoms(at("data"));
  rows = readFileSync(data.lesions, "utf8").trim().split("\n").slice(1);
  await grey(at("data/small.png"), 30, (pixel) => (pixel < 40 ? 255 : 0));
  await grey(at("data/empty.png"), 32, () => 0);
  await grey(at("data/full.png"), 32, () => 255);
  await writeMicroModel(checkpoints.segmenter, segmenter(["lesion"]));
  await writeMicroModel(checkpoints.several, segmenter(["disc", "ring", "star"]));
  await writeMicroModel(checkpoints.classifier, classifier);
  await writeMicroModel(checkpoints.pretrained, pretrained);
});
afterAll(() => rmSync(folder, { recursive: true }));

const library = Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, command.run]));

/** The command line, in this process. */
const cli = (...argv: string[]) => run([...argv, "--json"], library);

/** One epoch of segmentation. */
function train(more: Readonly<Record<string, unknown>> = {}) {
  const base = { ...segmenting(data.lesions, at("run")), overwrite: true, epochs: 1, workers: 0 };
  return cli("segment", ...flags({ ...base, ...more }));
}

/** The table of lesions with other masks. */
function table(name: string, maskOf: (row: string, at: number) => string | undefined): string {
  const lines = rows.map((row, n) => {
    const mask = maskOf(row, n);
    return mask === undefined ? row : row.replace(/[^,]*$/, mask);
  });
  writeFileSync(at("data", `${name}.csv`), `${["path,label,split,mask", ...lines].join("\n")}\n`);
  return at("data", `${name}.csv`);
}

interface Told {
  exit: number;
  code: string;
  parts: (string | RegExp)[];
}

/** What must stand in the one line of an error: exit code, code, and parts of its text. */
function expectError({ code, stdout, stderr }: Awaited<ReturnType<typeof cli>>, told: Told): void {
  expect(code, stderr).toBe(told.exit);
  expect(stdout).toBe("");
  const errors = stderr.split("\n").filter((line) => line.startsWith("error"));
  expect(errors).toEqual([expect.stringMatching(new RegExp(`^error\\[${told.code}\\]: .+: expected .+, got .+; .+`))]);
  for (const part of told.parts) {
    expect(errors[0]).toEqual(part instanceof RegExp ? expect.stringMatching(part) : expect.stringContaining(part));
  }
}
const dataError = (...parts: (string | RegExp)[]): Told => ({ exit: 3, code: "Data", parts });
const configError = (...parts: (string | RegExp)[]): Told => ({ exit: 2, code: "Config", parts });
const checkpointError = (...parts: (string | RegExp)[]): Told => ({ exit: 4, code: "Checkpoint", parts });

describe("training data", () => {
  test("without masks are refused, and ones of which some have none", async () => {
    const root = at("data");
    expectError(
      await train({ dataPath: root }),
      dataError(root, "a mask for every image", "none for 42 of 42", "mask"),
    );
    const some = table("some", (_, n) => (n === 4 ? "" : undefined));
    const first = rows[4]?.split(",")[0] as string;
    expectError(await train({ dataPath: some }), dataError(some, "none for 1 of 42", first));
  });

  test("whose masks are all empty are refused, also where only those of training are", async () => {
    const all = table("empty", () => "empty.png");
    const told = ["at least one class beside the background in 30 images", "masks without any"];
    expectError(await train({ dataPath: all }), dataError(`training masks of ${all}`, ...told));
    const training = table("empty-train", (row) => (row.includes(",train,") ? "empty.png" : undefined));
    expectError(await train({ dataPath: training }), dataError(`training masks of ${training}`, ...told));
    const none = table("none", () => "none");
    expectError(await train({ dataPath: none }), dataError(`training masks of ${none}`, "one class of pixels only"));
  });

  test("whose masks outline everything are refused as one class; of one image alone they train", async () => {
    const all = table("full", () => "full.png");
    const told = ["pixels of at least two classes in 30 images", "one class of pixels only (lesion)"];
    expectError(await train({ dataPath: all }), dataError(`training masks of ${all}`, ...told));
    const first = table("full-first", (_, n) => (n === 0 ? "full.png" : undefined));
    expect((await train({ dataPath: first })).code).toBe(0);
  });

  test("with a mask of another size are trained without it, named in a warning; with --strict they are refused", async () => {
    const dataPath = table("small", (_, n) => (n === 2 ? "small.png" : undefined));
    const parts = ["small.png", "a mask of 32×32 pixels, as", "got 30×30", "save the mask at the size of its image"];
    const { code, stderr } = await train({ dataPath, epochs: 3 });
    expect(code, stderr).toBe(0);
    const warnings = stderr.split("\n").filter((line) => line.startsWith("warning"));
    expect(warnings).toHaveLength(1);
    for (const part of parts) expect(warnings[0]).toContain(part);
    expectError(await train({ dataPath, epochs: 3, strict: true }), dataError(...parts));
    const all = table("all-small", () => "small.png");
    expectError(await train({ dataPath: all }), dataError(/readable|skipped|none of/));
  });

  test("whose values are no class leave their image out, named; all of them are refused", async () => {
    const root = at("labelled");
    for (const name of ["imagesTr", "labelsTr"]) mkdirSync(join(root, name), { recursive: true });
    const write = async (strangers: number) => {
      for (let n = 0; n < 8; n++) {
        copyFileSync(image, join(root, `imagesTr/c${n}_0000.png`));
        const levelOf = (pixel: number) => (pixel === 9 && n < strangers ? 7 : Number(pixel < 99));
        await grey(join(root, `labelsTr/c${n}.png`), 32, levelOf);
      }
    };
    const description = { labels: { background: 0, lesion: 1 }, channel_names: { 0: "US" }, file_ending: ".png" };
    await write(1);
    writeFileSync(join(root, "dataset.json"), JSON.stringify(description));
    const { code, stderr } = await train({ dataPath: root, valSplit: 0.25 });
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/warning: 1 file is left out: .*c0\.png: expected labels that have a name \(0, 1\), got 7/);
    await write(8);
    expectError(await train({ dataPath: root }), dataError("labels that have a name", "7"));
  });

  test("of another number of classes than asked for are refused", async () => {
    const told = ["masks of 3 classes (--num-classes, the background included)", "2: background, lesion"];
    expectError(await train({ numClasses: 3 }), dataError(data.lesions, ...told));
    expect((await train({ numClasses: 2 })).code).toBe(0);
  });

  test("of which training shows not all classes train with a warning", async () => {
    const kinds = readFileSync(data.kinds, "utf8").replaceAll(/^(train\/star.*),[^,]*$/gm, "$1,empty.png");
    writeFileSync(at("data/no-star.csv"), kinds);
    const { code, stderr } = await train({ dataPath: at("data/no-star.csv") });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("warning: no training image has pixels of star: it cannot be learned");
  });
});

describe("options", () => {
  test.each<[Record<string, unknown>, (string | RegExp)[]]>([
    [{ head: "nonsense" }, ["head", "one of setr-pup, setr-naive, light", '"nonsense"', "--head"]],
    [{ loss: "tversky", tversky: 1 }, ["tversky", "two weights of at least 0, one of them above", "[1]"]],
    [{ loss: "tversky", tversky: "0,0" }, ["tversky", "two weights", "[0,0]"]],
    [{ tversky: "0.3,0.7" }, ["tversky", "--loss tversky beside it", "--loss bce-dice"]],
    [{ loss: "dice", focalGamma: 2 }, ["focalGamma", "--loss focal beside it", "--loss dice", "leave out one"]],
    [{ rot90: true, inputSize: "32x48" }, ["rot90", "a square input size", "32x48", "--vflip"]],
    [{ keepRatio: 0.05 }, ["keepRatio", "at least one patch", "0.05 of 16 patches"]],
    [{ keepRatio: 0 }, ["keepRatio", "0"]],
    [{ inputSize: "36x32" }, ["inputSize", "divisible by the patch size 8", "36x32"]],
    [{ batchSize: 31 }, ["batch", "30", "31"]],
    [{ model: "msmae_vit_micro_patch8" }, ["model"]],
  ])("%o are refused", async (options, parts) => {
    expectError(await train(options), configError(...parts));
  });

  test("for an input that is not square work, quarter turns off unless asked for", async () => {
    const { code, stderr } = await train({ inputSize: "32x48" });
    expect(code, stderr).toBe(0);
    expect(readFileSync(at("run/config.yaml"), "utf8")).toMatch(/^rot90: false$/m);
  });
});

describe("a model of another kind", () => {
  const into = () => ["--output-dir", at("out"), "--overwrite"];
  const given = (kind: keyof typeof checkpoints) => ["--checkpoint", checkpoints[kind]];

  test.each<[string, () => string[], Told]>([
    [
      "reconstruct does not take a segmenter",
      () => ["reconstruct", ...given("segmenter"), image, ...into()],
      checkpointError("a pre-trained model with its decoder", "got a segmenter", "msmae pretrain"),
    ],
    [
      "predict does not take a pre-trained model",
      () => ["predict", ...given("pretrained"), image, ...into()],
      checkpointError(
        "a classifier, a segmenter or a linear probe",
        "got a pre-trained model",
        "msmae finetune, msmae segment or msmae linprobe",
      ),
    ],
    [
      "eval does not take a pre-trained model",
      () => ["eval", ...given("pretrained"), "--data-path", data.lesions],
      checkpointError("a classifier, a segmenter or a linear probe", "got a pre-trained model"),
    ],
    [
      "predict of a segmenter needs a folder",
      () => ["predict", ...given("segmenter"), image],
      configError("--output-dir", "a folder for the masks", "got nothing"),
    ],
    [
      "predict of a classifier takes no folder",
      () => ["predict", ...given("classifier"), image, ...into()],
      configError("--output-dir", "a segmenter's checkpoint", "got a classifier"),
    ],
    ...(
      [
        ["predict", "--threshold", "0.3"],
        ["predict", "--window-overlap", "0.5"],
        ["eval", "--threshold", "0.3"],
        ["eval", "--window-overlap", "0.5"],
        ["eval", "--tolerance", "1"],
        ["eval", "--surface", "contour"],
        ["eval", "--empty-masks", "undefined"],
      ] as const
    ).map(([verb, option, value]): [string, () => string[], Told] => [
      `${verb} of a classifier takes no ${option}`,
      () => {
        const what = verb === "predict" ? [image] : ["--data-path", at("data")];
        return [verb, ...given("classifier"), ...what, option, value];
      },
      configError(option, "a checkpoint of a segmenter, which outlines", "got a classifier"),
    ]),
    [
      "predict of a segmenter has no budget of patches",
      () => ["predict", ...given("segmenter"), image, ...into(), "--keep-ratio", "0.5"],
      configError("--keep-ratio", "a classifier with a vision transformer", "got a segmenter"),
    ],
    [
      "eval of a segmenter has no budget of patches",
      () => ["eval", ...given("segmenter"), "--data-path", data.lesions, "--keep-ratio", "0.5"],
      configError("--keep-ratio", "a classifier with a vision transformer", "got a segmenter"),
    ],
    [
      "eval of a segmenter has no clinical report",
      () => ["eval", ...given("segmenter"), "--data-path", data.lesions, "--report"],
      configError("--report", "a checkpoint of classes, grades, findings or a number", "got a segmenter"),
    ],
    [
      "predict of several classes takes no threshold",
      () => ["predict", ...given("several"), image, ...into(), "--threshold", "0.3"],
      configError("--threshold", "one class beside the background", "0.3 for one of background, disc, ring, star"),
    ],
    [
      "eval of several classes takes no threshold",
      () => ["eval", ...given("several"), "--data-path", data.kinds, "--threshold", "0.3"],
      configError("--threshold", "one class beside the background"),
    ],
    [
      "eval of a segmenter wants masks",
      () => ["eval", ...given("segmenter"), "--data-path", at("data")],
      dataError("a data set with masks", "no mask in 6 images"),
    ],
    [
      "eval of a segmenter wants masks of all images",
      () => [
        "eval",
        ...given("segmenter"),
        "--data-path",
        table("test-some", (row) => (row.includes("test/disc/0001") ? "" : undefined)),
      ],
      dataError("masks for every sample", "none for 1 of 6", "test/disc/0001.png"),
    ],
    [
      "eval of a segmenter wants classes that it knows",
      () => ["eval", ...given("segmenter"), "--data-path", data.kinds],
      dataError("classes of the masks of", "the model knows (background, lesion)", "got disc, ring, star"),
    ],
  ])("%s", async (_, argv, told) => {
    expectError(await cli(...argv()), told);
  });

  test("maps shows where a segmenter's encoder attends", async () => {
    const { code, stdout, stderr } = await cli("maps", ...given("segmenter"), image, ...into());
    expect(code, stderr).toBe(0);
    const line = JSON.parse(stdout) as { weights: string };
    expect(line).toEqual({ path: image, overlay: at("out/0000-attention.png"), weights: at("out/0000-attention.npy") });
    const grid = String(readFileSync(line.weights).subarray(0, 80));
    expect(grid).toContain("'shape': (4, 6)");
  });
});
