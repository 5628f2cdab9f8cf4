import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, test, vi } from "vitest";
import { prepareData } from "../../../src/curation/prepare/index.ts";
import { evaluate } from "../../../src/inference/evaluate.ts";
import type { MaskMetrics } from "../../../src/inference/outcomes/masks.ts";
import { inspect } from "../../../src/interop/inspect.ts";
import type { RunEvent } from "../../../src/support/events.ts";
import { segment } from "../../../src/training/tasks/segment.ts";
import { writeZip } from "../../unit/curation/archives/make.ts";
import { makeNifti } from "../../unit/formats/nifti/made.ts";
import { loggedEpochs } from "../runs.ts";
import { segmenting } from "./masked.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-segment-layouts-"));
const at = (...parts: string[]): string => join(folder, ...parts);
afterAll(() => rmSync(folder, { recursive: true }));

const SIDE = 24;
/** A grey picture of the side, by the level of each pixel. */
const grey = (levelOf: (x: number, y: number) => number) =>
  sharp(
    Uint8Array.from({ length: SIDE * SIDE }, (_, i) => levelOf(i % SIDE, Math.floor(i / SIDE))),
    { raw: { width: SIDE, height: SIDE, channels: 1 } },
  )
    .toColourspace("b-w")
    .png()
    .toBuffer();
const disc = (x: number, y: number, radius = 5) => (x - 12) ** 2 + (y - 12) ** 2 < radius ** 2;
const lesion = () => grey((x, y) => (disc(x, y) ? 255 : 0));
const other = () => grey((x, y) => (x < 4 && y < 4 ? 255 : 0));
const nothing = () => grey(() => 0);
const scan = (seed: number) => grey((x, y) => ((x * 7 + y * 3 + seed * 11) % 90) + (disc(x, y) ? 120 : 0));

function put(root: string, files: Record<string, string | Uint8Array>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

/** Trains two epochs, the second on all patches, and measures the training images. */
async function trained(dataPath: string, name: string) {
  const events: RunEvent[] = [];
  const budget = { keepRatio: 0.5, fullTokenEpochs: 1, mapInterval: 1, epochs: 2, saveEvery: 5 } as const;
  const input = { ...segmenting(dataPath, at(name)), ...budget, loss: "ce-dice" } as const;
  const { checkpoint } = await segment(input, { onEvent: (event) => events.push(event) });
  for (const { train_loss: loss } of loggedEpochs(at(name))) expect(loss).toBeGreaterThan(0);
  const { classNames } = await inspect(checkpoint);
  const card = readFileSync(at(name, "README.md"), "utf8");
  const counts = [...card.matchAll(/^\| ([^|]+) \| (\d+) \|$/gm)].map(([, own, count]) => [own, Number(count)]);
  const runtime = { threads: 1, workers: 0, split: "train" } as const;
  const metrics = await evaluate<MaskMetrics>({ checkpoint, dataPath, ...runtime });
  const warnings = events.filter((event) => event.type === "warning").map(({ message }) => message);
  return { classNames, counts: Object.fromEntries(counts) as Record<string, number>, metrics, warnings };
}

describe("a segmenter learns from", () => {
  test("BUSI as data prepare makes it: lesions of two classes, several in an image, normal images with empty masks", async () => {
    const files: Record<string, Uint8Array> = {};
    for (const label of ["benign", "malignant", "normal"]) {
      for (let n = 1; n <= 10; n++) {
        const name = `Dataset_BUSI_with_GT/${label}/${label} (${n})`;
        files[`${name}.png`] = await scan(n + label.length);
        files[`${name}_mask.png`] = await (label === "normal" ? nothing() : lesion());
        if (label === "benign" && n < 6) files[`${name}_mask_1.png`] = await other();
      }
    }
    const archive = await writeZip(at("busi.zip"), files);
    await prepareData({ preset: "busi", archives: [archive], outputDir: at("busi") });
    const { classNames, counts, metrics } = await trained(at("busi"), "busi run");
    expect(classNames).toEqual(["background", "benign", "malignant"]);
    const { background = 0, benign = 0, malignant = 0 } = counts;
    expect(Math.min(background, benign, malignant)).toBeGreaterThan(3);
    expect(background + benign + malignant).toBe(metrics.n);
    expect(metrics.perClass.map(({ class: name, present }) => [name, present])).toEqual([
      ["benign", benign],
      ["malignant", malignant],
    ]);
  });

  test("images beside masks, several of one image and of two classes, empty ones and images without any", async () => {
    const files: Record<string, Uint8Array> = {};
    for (let n = 0; n < 12; n++) {
      files[`images/p${n}.png`] = await scan(n);
      if (n < 9) files[`masks/cyst/p${n}_mask.png`] = await (n < 6 ? lesion() : nothing());
      if (n < 3) files[`masks/cyst/p${n}_mask_1.png`] = await other();
      if (n > 4 && n < 8) files[`masks/scar/p${n}.png`] = await other();
    }
    put(at("folders"), files);
    const { classNames, metrics } = await trained(at("folders"), "folders run");
    expect(classNames).toEqual(["background", "cyst", "scar"]);
    expect(metrics.perClass.map(({ class: name }) => name)).toEqual(["cyst", "scar"]);
  });

  const shape = [SIDE, SIDE, 4] as const;
  const affine = [
    [-2, 0, 0, 0],
    [0, 2, 0, 0],
    [0, 0, 5, 0],
  ];
  const volume = (labelOf: (x: number, y: number, z: number) => number) => {
    const voxels = Uint8Array.from({ length: SIDE * SIDE * 4 }, (_, i) =>
      labelOf(i % SIDE, Math.floor(i / SIDE) % SIDE, Math.floor(i / SIDE ** 2)),
    );
    return makeNifti({ shape, affine, voxels });
  };
  const scans = (n: number) => volume((x, y, z) => ((x * 7 + y * 3 + z + n * 11) % 90) + (disc(x, y, 3 + z) ? 120 : 0));

  test("a Decathlon folder of volumes with label volumes", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    for (const [n, name] of names.entries()) {
      put(at("decathlon"), {
        [`imagesTr/${name}.nii`]: scans(n),
        [`labelsTr/${name}.nii`]: volume((x, y, z) => (z === 0 ? 0 : disc(x, y, 2) ? 5 : disc(x, y, 3 + z) ? 2 : 0)),
      });
    }
    const training = names.map((name) => ({ image: `imagesTr/${name}.nii`, label: `labelsTr/${name}.nii` }));
    const labels = { 0: "background", 2: "liver", 5: "tumour" };
    put(at("decathlon"), { "dataset.json": JSON.stringify({ labels, training }) });
    const { classNames, counts, metrics } = await trained(at("decathlon"), "decathlon run");
    expect(classNames).toEqual(["background", "liver", "tumour"]);
    // A volume's slices go together: one of four shows nothing.
    expect(metrics.n % 4).toBe(0);
    const volumes = metrics.n / 4;
    expect(counts).toMatchObject({ background: volumes, liver: 3 * volumes, tumour: 3 * volumes });
    expect(metrics.perClass.map(({ present }) => present)).toEqual([3 * volumes, 3 * volumes]);
    expect(metrics.unit).toBe("mm");
  });

  test("an nnU-Net folder whose pixels to be ignored count nowhere", async () => {
    const write = (root: string, ignored: number) => {
      for (let n = 0; n < 6; n++) {
        put(root, {
          [`imagesTr/c${n}_0000.nii`]: scans(n),
          [`labelsTr/c${n}.nii`]: volume((x, y) => (x < 8 ? ignored : disc(x, y) ? 1 : 0)),
        });
      }
      const labels = { background: 0, organ: 1, ...(ignored > 0 && { ignore: ignored }) };
      const about = { labels, channel_names: { 0: "CT" }, file_ending: ".nii" };
      put(root, { "dataset.json": JSON.stringify(about) });
    };
    write(at("nnunet"), 7);
    const { classNames, metrics } = await trained(at("nnunet"), "nnunet run");
    expect(classNames).toEqual(["background", "organ"]);
    // The same, but for those pixels judged to be background: an untrained model outlines some of them.
    write(at("judged"), 0);
    const judged = await trained(at("judged"), "judged run");
    expect(loggedEpochs(at("nnunet run"))[0]?.train_loss).not.toBe(loggedEpochs(at("judged run"))[0]?.train_loss);
    expect(judged.metrics.n).toBe(metrics.n);
  });
});
