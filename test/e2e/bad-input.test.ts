import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { finetuning, flags, msmae, pretraining, writePhantoms } from "./runs.ts";

// Each run takes a second or two on a machine that does nothing else.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-bad-input-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const data = at("data");
const checkpoint = at("pretrained/last.safetensors");

beforeAll(async () => {
  await writePhantoms(data);
  expect(train({ outputDir: at("pretrained") }).code).toBe(0);
});
const mounts: string[] = [];
afterAll(() => {
  for (const where of mounts) spawnSync("umount", [where]);
  rmSync(folder, { recursive: true });
});

/** One epoch of pre-training by the command line. */
function train(more: Readonly<Record<string, unknown>>) {
  const run = { ...pretraining(data, at("run")), overwrite: true };
  const base = { ...run, epochs: 1, warmupEpochs: 0, attentionStartEpoch: "never" };
  return msmae("pretrain", ...flags({ ...base, ...more }), "--json");
}

/** A copy of the data set with something done to it. */
function spoiled(name: string, spoil: (root: string) => void): string {
  const root = at(name);
  cpSync(data, root, { recursive: true });
  spoil(root);
  return root;
}

/** What must stand in the one line of an error: code, place, what was expected, what came. */
interface Told {
  exit: number;
  code: string;
  parts: (string | RegExp)[];
}

function expectError({ code, stdout, stderr }: ReturnType<typeof msmae>, told: Told): void {
  expect(code, stderr).toBe(told.exit);
  expect(stdout).toBe("");
  const errors = stderr.split("\n").filter((line) => line.startsWith("error"));
  expect(errors).toEqual([expect.stringMatching(new RegExp(`^error\\[${told.code}\\]: .+: expected .+, got .+; .+`))]);
  for (const part of told.parts) expect(errors[0]).toMatch(part instanceof RegExp ? part : new RegExp(escaped(part)));
  expect(stderr).not.toMatch(/^\s+at /m);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

describe("a data set", () => {
  test.each<[string, (root: string) => void, (root: string) => (string | RegExp)[]]>([
    [
      "with an empty class folder",
      (root) => {
        rmSync(join(root, "train/ring"), { recursive: true });
        mkdirSync(join(root, "train/ring"));
      },
      (root) => [`train of ${root}`, "none in ring"],
    ],
    [
      "of one class only",
      (root) => {
        for (const split of ["train", "val", "test"])
          for (const name of ["ring", "star"]) rmSync(join(root, split, name), { recursive: true });
      },
      (root) => [root, "at least two classes", "one class only (disc)"],
    ],
    [
      "whose splits have other class names",
      (root) => renameSync(join(root, "test/ring"), join(root, "test/rings")),
      (root) => [
        `classes of ${join(root, "test")}`,
        "those of train (disc, ring, star)",
        "without ring and with rings",
      ],
    ],
    ["without any image", (root) => rmSync(join(root, "train"), { recursive: true }), (root) => [join(root, "train")]],
    ["that is not there", (root) => rmSync(root, { recursive: true }), (root) => [root, "a readable folder"]],
  ])("%s is refused", (name, spoil, parts) => {
    const root = spoiled(name, spoil);
    expectError(train({ dataPath: root }), { exit: 3, code: "Data", parts: parts(root) });
  });

  const unreadable = (root: string) => {
    truncateSync(join(root, "train/disc/0001.png"), 60);
    writeFileSync(join(root, "train/ring/0002.png"), "no image at all");
  };

  test("with unreadable and truncated images trains without them, warns of each once and counts them", () => {
    const root = spoiled("unreadable", unreadable);
    const { code, stdout, stderr } = train({ dataPath: root, epochs: 3 });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ epochs: 3 });
    const warnings = stderr.split("\n").filter((line) => line.includes("unreadable"));
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toMatch(/skipped unreadable image 1: .*skipped unreadable image 2: /s);
    for (const name of ["disc/0001.png", "ring/0002.png"]) expect(warnings.join()).toContain(name);
  });

  test("with an unreadable image fails with --strict, naming the file", () => {
    const root = spoiled("strict", (where) => truncateSync(join(where, "train/disc/0001.png"), 60));
    const parts = [join(root, "train/disc/0001.png"), "every image to be readable (strict)", "--strict"];
    expectError(train({ dataPath: root, strict: true }), { exit: 3, code: "Data", parts });
  });

  test("with a broken link among its images trains without it", () => {
    const root = spoiled("link", (where) => {
      const linked = spawnSync("ln", ["-s", "/nowhere/at/all.png", join(where, "train/disc/link.png")]);
      expect(linked.status).toBe(0);
    });
    const { code, stderr } = train({ dataPath: root });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("link.png");
  });

  test("smaller than the batch is refused", () => {
    expectError(train({ batchSize: 31 }), {
      exit: 2,
      code: "Config",
      parts: ["batch", "30", "31", "lower --batch-size"],
    });
  });

  test("with another number of classes than asked for is refused", () => {
    const parts = [data, "5 classes (--num-classes)", "3: disc, ring, star"];
    expectError(train({ numClasses: 5 }), { exit: 3, code: "Data", parts });
  });
});

describe("options", () => {
  test("whose ratios leave no patch are refused", () => {
    const drivenBy = { attentionStartEpoch: 0 };
    const parts = ["maskRatio, throwRatio", "at least one patch for the encoder", "0.6 + 0.4"];
    expectError(train({ ...drivenBy, maskRatio: 0.6, throwRatio: 0.4 }), { exit: 2, code: "Config", parts });
    const keeping = ["randomMaskRatio", "keeps 0 of 16 patches"];
    expectError(train({ randomMaskRatio: 0.99 }), { exit: 2, code: "Config", parts: keeping });
  });

  test("with a wrong number of channels are refused", () => {
    const { code, stderr } = train({ inChans: 2 });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error\[Config\]: .*in-?chans.*1 or 3.*2/im);
    const means = ["mean", "1 value", "one per channel"];
    expectError(train({ inChans: 1, mean: [0.5, 0.5, 0.5] }), { exit: 2, code: "Config", parts: means });
  });

  test("whose size does not divide into patches are refused", () => {
    const parts = ["inputSize", "sides divisible by the patch size 8", "36x32"];
    expectError(train({ inputSize: "36x32" }), { exit: 2, code: "Config", parts });
  });
});

describe("an output folder", () => {
  test("in whose place a file stands is refused", () => {
    writeFileSync(at("a file"), "");
    expectError(train({ outputDir: at("a file") }), {
      exit: 3,
      code: "Data",
      parts: [at("a file"), "a folder that can be written"],
    });
    const below = at("a file", "run");
    expectError(train({ outputDir: below }), { exit: 3, code: "Data", parts: [below, "choose another --output-dir"] });
  });

  const mounted = (name: string, options: string): string | undefined => {
    const where = at(name);
    mkdirSync(where);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", where]).status !== 0) return undefined;
    mounts.push(where);
    return where;
  };
  const readOnly = mounted("read-only", "ro,size=64k");
  const tiny = mounted("tiny", "size=300k");
  const skipped = (where: string | undefined) => (where ? "" : " SKIPPED: this user may not mount file systems");

  test.skipIf(!readOnly)(`without write permission is refused${skipped(readOnly)}`, () => {
    const outputDir = join(readOnly as string, "run");
    const parts = [outputDir, "a folder that can be written", "choose another --output-dir"];
    expectError(train({ outputDir }), { exit: 3, code: "Data", parts });
  });

  test.skipIf(!tiny)(`on a full disk ends the run with what is there${skipped(tiny)}`, () => {
    const outputDir = join(tiny as string, "run");
    const parts = [outputDir, "a full disk (ENOSPC)", "free some space"];
    expectError(train({ outputDir }), { exit: 3, code: "Data", parts });
    // Nothing half written is left under the name of a checkpoint.
    expect(existsSync(join(outputDir, "last.safetensors"))).toBe(false);
  });
});

describe("a checkpoint", () => {
  const copy = at("copy.safetensors");
  const start = () =>
    msmae(
      "finetune",
      ...flags({
        ...finetuning(data, at("from copy")),
        init: "checkpoint",
        finetune: copy,
        epochs: 1,
        warmupEpochs: 0,
      }),
      "--json",
    );

  test.each<[string, () => void, RegExp]>([
    ["cut short", () => truncateSync(copy, 100_000), /bytes/],
    ["cut to nothing", () => truncateSync(copy, 3), /bytes/],
    [
      "with one altered byte",
      () => {
        const bytes = readFileSync(copy);
        bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 4;
        writeFileSync(copy, bytes);
      },
      /checksum|sha256|altered/i,
    ],
    ["that is no checkpoint", () => writeFileSync(copy, "some text that is long enough to be read as a header"), /./],
    ["that is not there", () => rmSync(copy), /./],
  ])("%s is refused", (_, spoil, part) => {
    cpSync(checkpoint, copy);
    spoil();
    expectError(start(), { exit: 4, code: "Checkpoint", parts: [copy, part] });
  });

  test("to resume that is not there is refused", () => {
    expectError(train({ resume: at("no run") }), { exit: 4, code: "Checkpoint", parts: [at("no run")] });
  });
});
