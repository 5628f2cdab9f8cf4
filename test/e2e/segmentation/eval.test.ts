import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { EvalInput } from "../../../src/config/index.ts";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";
import { evaluate } from "../../../src/inference/evaluate.ts";
import type { MaskLine } from "../../../src/inference/mask-files.ts";
import type { MaskMetrics } from "../../../src/inference/outcomes/masks.ts";
import { predict } from "../../../src/inference/predict.ts";
import { SegmentationMeter } from "../../../src/results/metrics/index.ts";
import { makeNifti } from "../../unit/formats/nifti/made.ts";
import { writeMicroModel, writePicture } from "../micro-models.ts";
import { segmenter } from "./masked.ts";
import { figuresOf, type Inside } from "./surfaces.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-eval-masks-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const FIGURES = ["dice", "iou", "sensitivity", "precision", "hd95", "assd", "nsd"] as const;
const one = { path: at("one.safetensors"), description: segmenter(["lesion"]) };
const three = { path: at("three.safetensors"), description: segmenter(["cyst", "lesion", "scar"]) };
/** Of other sizes than the input of 32×48 and each other's, none square; one is grey. */
const pictures = (
  [
    [61, 45, 3],
    [40, 77, 3],
    [96, 33, 1],
    [20, 29, 3],
    [52, 50, 3],
    [48, 32, 3],
  ] as const
).map(([width, height, channels], n) => ({ name: `p${n}`, path: at("set", `p${n}.png`), width, height, channels }));
const runtime = { threads: 1, workers: 0 } as const;

beforeAll(async () => {
  for (const { path, description } of [one, three]) await writeMicroModel(path, description);
  mkdirSync(at("set/masks"), { recursive: true });
  for (const [n, { name, path, width, height, channels }] of pictures.entries()) {
    await writePicture(path, n, width, height, channels);
    // An ellipse, which the third touches the border with, cut by a stripe.
    const levelOf = (x: number, y: number) => {
      const inside = ((x - width / 2 + 5 * n) / (width / 3)) ** 2 + ((y - height / 3) / (height / 4)) ** 2 < 1;
      return inside && x % 11 !== 3 ? 255 : 0;
    };
    const pixels = Uint8Array.from({ length: width * height }, (_, i) => levelOf(i % width, Math.floor(i / width)));
    await sharp(pixels, { raw: { width, height, channels: 1 } })
      .toColourspace("b-w")
      .png()
      .toFile(at("set/masks", `${name}.png`));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A table of the pictures for testing; `p4` has nothing outlined. */
function table(
  name: string,
  patientOf: (n: number) => string,
  labelOf: (n: number) => string = () => "lesion",
): string {
  const lines = pictures.map(({ name: own }, n) => {
    return `${own}.png,${labelOf(n)},test,${n === 4 ? "none" : `masks/${own}.png`},${patientOf(n)}`;
  });
  writeFileSync(at("set", `${name}.csv`), `${["path,label,split,mask,patient_id", ...lines].join("\n")}\n`);
  return at("set", `${name}.csv`);
}

const run = (input: Omit<EvalInput, "threads" | "workers">) => evaluate<MaskMetrics>({ ...runtime, ...input });

async function greyOf(path: string): Promise<{ width: number; height: number; values: number[] }> {
  const file = await openImageFile(path);
  const { width, height, values } = await file.read(0, "axial");
  return { width, height, values: [...values] };
}

/** The masks that predict writes, read back as class indices of the pictures. */
async function predicted(checkpoint: string, more: { threshold?: number; windowOverlap?: number } = {}) {
  const files = pictures.map(({ path }) => path);
  const how = { outputDir: at("masks"), overwrite: true, threads: 1, batchSize: 4 };
  const found: { width: number; height: number; classes: number[] }[] = [];
  for await (const line of predict<MaskLine>({ checkpoint, files, ...how, ...more })) {
    if ("error" in line) throw new Error(line.error.message);
    const { width, height, values } = await greyOf(line.mask);
    found.push({ width, height, classes: values.map((value) => (value === 255 ? 1 : value)) });
  }
  return found;
}

async function truths(): Promise<Inside[]> {
  const read = async ({ name, width, height }: (typeof pictures)[number], n: number): Promise<Inside> => {
    const values = n === 4 ? new Array(width * height).fill(0) : (await greyOf(at("set/masks", `${name}.png`))).values;
    return { width, height, inside: values.map((value) => value > 0) };
  };
  return await Promise.all(pictures.map(read));
}

const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
const insideOf = ({ width, height, classes }: Awaited<ReturnType<typeof predicted>>[number], label = 1): Inside => ({
  width,
  height,
  inside: classes.map((k) => k === label),
});

describe("the figures of a segmenter", () => {
  test("are those of the masks that predict writes, at the images' own sizes", async () => {
    const dataPath = table("own", (n) => `${n}`);
    const result = await run({ checkpoint: one.path, dataPath, batchSize: 4, outputDir: at("evaluation") });
    const masks = await predicted(one.path);
    const truth = await truths();
    const expected = masks.map((mask, n) => figuresOf(insideOf(mask), truth[n] as Inside));
    // Else the measure would be of no worth.
    expect(new Set(expected.map(({ dice }) => dice)).size).toBeGreaterThan(4);
    expect(expected.some(({ dice }) => dice > 0.2)).toBe(true);
    expect(result).toMatchObject({ n: 6, unit: "pixels", surface: "border-pixels", tolerance: 2, empty: "worst" });
    expect(result).toMatchObject({ threshold: 0.5, split: "test", unreadable: 0 });
    for (const figure of FIGURES) {
      expect(result[figure]).toBeCloseTo(meanOf(expected.map((own) => own[figure])), 9);
      expect(result.perClass[0]?.images[figure]).toMatchObject({
        n: 6,
        min: expect.closeTo(Math.min(...expected.map((own) => own[figure])), 9),
        max: expect.closeTo(Math.max(...expected.map((own) => own[figure])), 9),
      });
      expect(result.intervals?.[figure]?.low).toBeLessThan(result[figure] as number);
      expect(result.intervals?.[figure]?.high).toBeGreaterThan(result[figure] as number);
    }
    expect(result.perClass).toMatchObject([{ class: "lesion", index: 1, present: 5 }]);
    const all = { inside: masks.flatMap((mask) => insideOf(mask).inside), height: 1, width: 0 };
    const pooled = figuresOf(
      { ...all, width: all.inside.length },
      { ...all, inside: truth.flatMap(({ inside }) => inside) },
    );
    expect(result.perClass[0]?.pooled.dice).toBeCloseTo(pooled.dice, 9);

    const written = JSON.parse(readFileSync(at("evaluation/metrics.json"), "utf8")) as Record<string, unknown>;
    for (const name of ["n", ...FIGURES, "perClass", "intervals"]) {
      expect([name, written[name]]).toEqual([name, JSON.parse(JSON.stringify(result[name as keyof typeof result]))]);
    }
    expect(written).toMatchObject({ checkpoint: "one.safetensors", data: "own.csv", split: "test", unreadable: [] });
    const [head, ...lines] = readFileSync(at("evaluation/predictions.csv"), "utf8").trim().split("\n");
    expect(head).toBe(`path,${FIGURES.map((figure) => `${figure}(lesion)`).join()}`);
    expect(lines.map((line) => line.split(",")[0])).toEqual(pictures.map(({ name }) => `${name}.png`));
    for (const [n, line] of lines.entries()) {
      const values = line.split(",").slice(1).map(Number);
      FIGURES.forEach((figure, k) => void expect(values[k]).toBeCloseTo(expected[n]?.[figure] as number, 9));
    }
    const report = readFileSync(at("evaluation/report.html"), "utf8");
    const order = expected.map(({ dice }) => dice).toSorted((a, b) => b - a);
    for (const [place, dice] of order.entries()) {
      expect(report).toContain(`${place + 1} of 6: Dice ${dice.toFixed(3)}`);
    }
  });

  test("change by --empty-masks, --surface, --tolerance and --threshold, and by nothing else", async () => {
    const dataPath = table("own", (n) => `${n}`);
    const base = await run({ checkpoint: one.path, dataPath });
    const [masks, truth] = [await predicted(one.path), await truths()];
    const present = [0, 1, 2, 3, 5].map((n) => figuresOf(insideOf(masks[n] as never), truth[n] as Inside));
    expect(masks[4]?.classes).toContain(1);
    const undefinedEmpty = await run({ checkpoint: one.path, dataPath, emptyMasks: "undefined" });
    expect(undefinedEmpty.empty).toBe("undefined");
    for (const figure of ["dice", "iou", "sensitivity", "hd95", "assd"] as const) {
      expect(undefinedEmpty[figure]).toBeCloseTo(meanOf(present.map((own) => own[figure])), 9);
      expect(undefinedEmpty.perClass[0]?.images[figure]?.n).toBe(5);
    }
    const wide = await run({ checkpoint: one.path, dataPath, tolerance: 4.5 });
    const nsd = masks.map((mask, n) => figuresOf(insideOf(mask), truth[n] as Inside, { tolerance: 4.5 }).nsd);
    expect([wide.tolerance, wide.nsd]).toEqual([4.5, expect.closeTo(meanOf(nsd), 9)]);
    expect(wide.nsd).toBeGreaterThan(base.nsd as number);
    expect([wide.dice, wide.hd95]).toEqual([base.dice, base.hd95]);
    const contour = await run({ checkpoint: one.path, dataPath, surface: "contour" });
    expect([contour.surface, contour.dice, contour.iou]).toEqual(["contour", base.dice, base.iou]);
    expect(contour.assd).not.toBe(base.assd);
    const strict = await run({ checkpoint: one.path, dataPath, threshold: 0.9 });
    const own = (await predicted(one.path, { threshold: 0.9 })).map((mask, n) =>
      figuresOf(insideOf(mask), truth[n] as Inside),
    );
    expect([strict.threshold, strict.dice]).toEqual([0.9, expect.closeTo(meanOf(own.map(({ dice }) => dice)), 9)]);
    expect(strict.dice).not.toBe(base.dice);
  });

  test("of images cut into windows are those of the masks that predict makes so", async () => {
    const dataPath = table("own", (n) => `${n}`);
    const whole = await run({ checkpoint: one.path, dataPath });
    const result = await run({ checkpoint: one.path, dataPath, windowOverlap: 0.5, batchSize: 4 });
    const truth = await truths();
    const masks = await predicted(one.path, { windowOverlap: 0.5 });
    const dice = masks.map((mask, n) => figuresOf(insideOf(mask), truth[n] as Inside).dice);
    expect(result.dice).toBeCloseTo(meanOf(dice), 9);
    expect(result.dice).not.toBeCloseTo(whole.dice as number, 3);
  });

  test("resample patients, not images", async () => {
    const masks = await predicted(one.path);
    const truth = await truths();
    for (const patientOf of [(n: number) => `${n}`, (n: number) => `${n % 3}`]) {
      const result = await run({ checkpoint: one.path, dataPath: table("patients", patientOf) });
      const meter = new SegmentationMeter({ classNames: one.description.classNames });
      for (const [n, { width, height, classes }] of masks.entries()) {
        const own = Uint8Array.from(truth[n]?.inside ?? [], Number);
        const image = { height, width, predicted: Uint8Array.from(classes), truth: own };
        meter.add({ ...image, spacing: undefined }, `patient ${patientOf(n)}`);
      }
      expect(result.intervals).toEqual(meter.metrics({ seed: one.description.seed }).intervals);
    }
    const same = await run({ checkpoint: one.path, dataPath: table("one-patient", () => "x") });
    expect(same.intervals?.dice).toMatchObject({ low: null, high: null, reason: expect.any(String) });
  });

  test("of several classes are found by their names, in whatever order the data set has them", async () => {
    // The table knows two of the model's three classes, and its own numbers are others.
    const labels = ["scar", "lesion", "scar", "lesion", "scar", "lesion"];
    const dataPath = table(
      "kinds",
      (n) => `${n}`,
      (n) => labels[n] as string,
    );
    const result = await run({ checkpoint: three.path, dataPath });
    const [masks, truth] = [await predicted(three.path), await truths()];
    expect(result.perClass.map(({ class: name, present }) => [name, present])).toEqual([
      ["cyst", 0],
      ["lesion", 3],
      ["scar", 2],
    ]);
    const names = three.description.classNames;
    const means = [1, 2, 3].map((label) => {
      const dice = masks.map((mask, n) => {
        const own = truth[n] as Inside;
        const none = own.inside.map(() => false);
        return figuresOf(insideOf(mask, label), names[label] === labels[n] ? own : { ...own, inside: none }).dice;
      });
      return meanOf(dice);
    });
    for (const [k, mean] of means.entries()) expect(result.perClass[k]?.images.dice?.mean).toBeCloseTo(mean, 9);
    expect(result.dice).toBeCloseTo(meanOf(means), 9);
  });

  test("of volumes are in the millimetres of their slices", async () => {
    const shape = [21, 17, 3] as const;
    const affine = [
      [-2.5, 0, 0, 3],
      [0, 1.25, 0, -4],
      [0, 0, 6, 1],
    ];
    const voxels = Uint8Array.from({ length: 21 * 17 * 3 }, (_, i) => (i * i * 7 + i) % 251);
    const labels = Uint8Array.from({ length: 21 * 17 * 3 }, (_, i) => {
      const [x, y, z] = [i % 21, Math.floor(i / 21) % 17, Math.floor(i / 357)];
      return Number(z !== 1 && (x - 9 - z) ** 2 + (y - 7) ** 2 < 30);
    });
    writeFileSync(at("set/v.nii"), makeNifti({ shape, affine, voxels }));
    writeFileSync(at("set/labels.nii"), makeNifti({ shape, affine, voxels: labels }));
    writeFileSync(at("set/volume.csv"), "path,label,split,mask\nv.nii,lesion,test,labels.nii\n");
    const result = await run({ checkpoint: one.path, dataPath: at("set/volume.csv") });
    const lines: MaskLine[] = [];
    const files = [at("set/v.nii")];
    for await (const line of predict<MaskLine>({
      checkpoint: one.path,
      files,
      outputDir: at("volume-out"),
      threads: 1,
    })) {
      lines.push(line as MaskLine);
    }
    const sliceOf = async (path: string, z: number): Promise<Inside> => {
      const { width, height, values } = await (await openImageFile(path)).read(z, "axial");
      return { width, height, inside: [...values].map((value) => value === 1) };
    };
    const figures = [];
    for (let z = 0; z < 3; z++) {
      const [said, truth] = [await sliceOf(lines[0]?.mask as string, z), await sliceOf(at("set/labels.nii"), z)];
      figures.push(figuresOf(said, truth, { spacing: [1.25, 2.5] }));
    }
    expect(result).toMatchObject({ n: 3, unit: "mm" });
    for (const figure of FIGURES) expect(result[figure]).toBeCloseTo(meanOf(figures.map((own) => own[figure])), 9);
    // One volume is one patient.
    expect(result.intervals?.dice).toMatchObject({ low: null });
  });
});
