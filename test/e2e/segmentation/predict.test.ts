import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { PredictInput } from "../../../src/config/index.ts";
import { interpret } from "../../../src/engine/graph/interpreter.ts";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";
import type { ImageFile, SliceAxis, SourceImage } from "../../../src/formats/source-image.ts";
import type { MaskLine } from "../../../src/inference/mask-files.ts";
import type { MaskPrediction } from "../../../src/inference/outcomes/masks.ts";
import { predict } from "../../../src/inference/predict.ts";
import { loadSegmenter, type Prediction } from "../../../src/inference/predictor.ts";
import type { FileFailure } from "../../../src/inference/read-files.ts";
import { segmenterGraph } from "../../../src/method/models/segmenter.ts";
import type { RunEvent } from "../../../src/support/events.ts";
import { makeNifti } from "../../unit/formats/nifti/made.ts";
import { normalisedPlanes, patchesOf, writeMicroModel, writePicture } from "../micro-models.ts";
import { msmae } from "../runs.ts";
import { segmenter } from "./masked.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-predict-masks-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const one = { path: at("one.safetensors"), description: segmenter(["lesion"]) };
const three = { path: at("three.safetensors"), description: segmenter(["cyst", "lesion", "scar"]) };
type Model = typeof one;
const weights = new Map<Model, Map<string, Float32Array>>();
const pictures = (
  [
    [61, 45, 3],
    [40, 77, 1],
    [96, 33, 3],
  ] as const
).map(([width, height, channels], n) => ({
  path: at("files", `p${n}.png`),
  width,
  height,
  channels,
}));
const cut = at("files/cut.png");

/** Stored front, left, top, with voxels of three sizes. */
const shape = [14, 23, 5] as const;
const affine = [
  [0, -2.5, 0.1, 31],
  [1.25, 0.1, 0, -40],
  [0, 0.2, 6, 17],
];
const volume = at("files/v.nii.gz");

beforeAll(async () => {
  for (const model of [one, three]) weights.set(model, await writeMicroModel(model.path, model.description));
  for (const [n, { path, width, height, channels }] of pictures.entries()) {
    await writePicture(path, n, width, height, channels);
  }
  writeFileSync(cut, readFileSync(pictures[0]?.path as string).subarray(0, 900));
  const voxels = Uint8Array.from({ length: 14 * 23 * 5 }, (_, i) => {
    const [x, y, z] = [i % 14, Math.floor(i / 14) % 23, Math.floor(i / 322)];
    return 127 + 120 * Math.sin(0.9 * x + 0.05 * y * z + z);
  });
  writeFileSync(volume, gzipSync(makeNifti({ shape, affine, voxels })));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Line = MaskLine | FileFailure;
let outputs = 0;

async function lines(
  model: Model,
  files: string[],
  more: Partial<PredictInput> = {},
  onEvent?: (event: RunEvent) => void,
) {
  const list: Line[] = [];
  const given = { checkpoint: model.path, files, outputDir: at(`out ${outputs++}`), threads: 1, ...more };
  for await (const line of predict<MaskLine>(given, { onEvent })) list.push(line);
  return list;
}

function masksOf(list: Line[]): MaskLine[] {
  return list.map((line) => {
    if ("error" in line) throw new Error(line.error.message);
    return line;
  });
}

/** What the model says of the same files as arrays. */
async function arrays(model: Model, files: string[], more: { sliceAxis?: SliceAxis; windowOverlap?: number } = {}) {
  await using loaded = await loadSegmenter(model.path, { threads: 1 });
  const list: Prediction<MaskPrediction>[] = [];
  for await (const line of loaded.predict(files, more)) {
    if ("error" in line) throw new Error(line.error.message);
    list.push(line);
  }
  return list;
}

async function greyOf(path: string) {
  const { width, height, channels, values } = await (await openImageFile(path)).read(0, "axial");
  expect(channels).toBe(1);
  return { width, height, values: [...values] };
}

/** Probabilities of each pixel of a picture by the float64 interpreter, [channels][height · width]. */
async function direct(model: Model, picture: (typeof pictures)[number]): Promise<number[][]> {
  const { config } = model.description;
  const size = { height: config.inputHeight, width: config.inputWidth };
  const patches = patchesOf(await normalisedPlanes(picture.path, model.description), config);
  const graph = segmenterGraph(config, { batch: 1, size, output: "probabilities" });
  const values = interpret(graph, { ...Object.fromEntries(weights.get(model) ?? []), patches }).get(
    "probabilities",
  )?.data;
  const area = size.height * size.width;
  const told = Array.from(values ?? [], Number);
  // Where a pixel's centre lies on the grid of the input's pixels, as PyTorch without align_corners.
  const place = (i: number, cells: number, length: number) => {
    const where = Math.min(cells - 1, Math.max(0, ((i + 0.5) * cells) / length - 0.5));
    return [Math.floor(where), Math.min(cells - 1, Math.floor(where) + 1), where - Math.floor(where)] as const;
  };
  return Array.from({ length: told.length / area }, (_, channel) =>
    Array.from({ length: picture.width * picture.height }, (_, i) => {
      const [top, bottom, down] = place(Math.floor(i / picture.width), size.height, picture.height);
      const [left, right, along] = place(i % picture.width, size.width, picture.width);
      const value = (y: number, x: number) => told[channel * area + y * size.width + x] as number;
      const above = value(top, left) * (1 - along) + value(top, right) * along;
      return above * (1 - down) + (value(bottom, left) * (1 - along) + value(bottom, right) * along) * down;
    }),
  );
}

describe("pictures", () => {
  test.each([
    ["one class", one, 2],
    ["three classes", three, 16],
  ] as const)(
    "%s: masks, areas and confidences are those of a float64 evaluation at the image's own size",
    async (_, model, batchSize) => {
      const list = masksOf(
        await lines(
          model,
          pictures.map(({ path }) => path),
          { batchSize },
        ),
      );
      expect(list.map(({ path }) => path)).toEqual(pictures.map(({ path }) => path));
      const seen = new Set<number>();
      for (const [n, picture] of pictures.entries()) {
        const { mask, overlay, areas, confidences } = list[n] as MaskLine;
        const { width, height, values } = await greyOf(mask);
        expect([width, height]).toEqual([picture.width, picture.height]);
        expect(await sharp(overlay).metadata()).toMatchObject({ width, height, channels: 3 });
        const classes = values.map((value) => (model === one && value === 255 ? 1 : value));
        const told = await direct(model, picture);
        const [inside = []] = told;
        const probabilities = told.length === 1 ? [inside.map((p) => 1 - p), inside] : told;
        const sums = probabilities.map(() => [0, 0] as [number, number]);
        for (const [i, label] of classes.entries()) {
          const own = probabilities.map((values) => values[i] as number);
          const most = Math.max(...own);
          // Nearly equal classes may come out either way.
          if (own.filter((p) => most - p < 1e-3).length === 1) expect([i, label]).toEqual([i, own.indexOf(most)]);
          const sum = sums[label] as [number, number];
          sum[0]++;
          sum[1] += own[label] as number;
          seen.add(label);
        }
        for (const [k, name] of model.description.classNames.entries()) {
          if (k === 0) continue;
          const [pixels, sum] = sums[k] as [number, number];
          expect(areas[name]).toEqual({ pixels });
          expect(confidences[name]).toEqual(pixels === 0 ? null : expect.closeTo(sum / pixels, 4));
        }
      }
      // Every class comes out somewhere.
      expect(seen.size).toBe(model.description.classNames.length);
    },
  );

  test("say the same in any batches; a file that cannot be read has its line in its place", async () => {
    const files = [cut, pictures[0]?.path, at("none.png"), pictures[1]?.path, pictures[2]?.path, cut] as string[];
    const whole = await lines(three, files, { batchSize: 16 });
    expect(whole.map((line) => [line.path, "error" in line ? line.error.code : "ok"])).toEqual(
      files.map((path) => [path, path === cut || path.endsWith("none.png") ? "Data" : "ok"]),
    );
    for (const [batchSize, windowOverlap] of [[1], [2], [1, 0.5], [4, 0.5]] as const) {
      const list = await lines(three, files, { batchSize, ...(windowOverlap && { windowOverlap }) });
      expect(list.map(({ path }) => path)).toEqual(files);
      if (windowOverlap) continue;
      for (const [n, line] of list.entries()) {
        const other = whole[n] as Line;
        if ("error" in line || "error" in other) expect(line).toEqual(other);
        else expect(line.areas).toEqual(other.areas);
      }
    }
  });

  test("of one class and a threshold: lower outlines more", async () => {
    const files = [pictures[0]?.path as string];
    const areas = [];
    for (const threshold of [0.05, 0.5, 0.95]) {
      const [line] = masksOf(await lines(one, files, { threshold }));
      areas.push(line?.areas.lesion?.pixels as number);
    }
    const [low = 0, middle = 0, high = 0] = areas;
    expect(low).toBeGreaterThan(middle);
    expect(middle).toBeGreaterThan(high);
  });

  test("of twice the input's size, cut without overlap, are said as its four quarters are", async () => {
    const { inputWidth: width, inputHeight: height } = three.description.config;
    const large = at("files/large.png");
    await writePicture(large, 9, 2 * width, 2 * height);
    const quarters = [0, 1, 2, 3].map((n) => at("files", `quarter-${n}.png`));
    for (const [n, path] of quarters.entries()) {
      const corner = { left: (n % 2) * width, top: Math.floor(n / 2) * height };
      await sharp(large)
        .extract({ ...corner, width, height })
        .png()
        .toFile(path);
    }
    const [tiled] = masksOf(await lines(three, [large], { windowOverlap: 0, batchSize: 3 }));
    const parts = await arrays(three, quarters);
    const { values } = await greyOf(tiled?.mask as string);
    const expected = values.map((_, i) => {
      const [x, y] = [i % (2 * width), Math.floor(i / (2 * width))];
      const part = parts[Math.floor(y / height) * 2 + Math.floor(x / width)];
      return part?.classes[(y % height) * width + (x % width)];
    });
    expect(values).toEqual(expected);
    const [resized] = masksOf(await lines(three, [large]));
    expect((await greyOf(resized?.mask as string)).values).not.toEqual(values);
  });

  test("are not written over masks that stand there, unless asked", async () => {
    const files = [pictures[0]?.path as string];
    const outputDir = at("kept");
    await lines(one, files, { outputDir });
    const before = readFileSync(join(outputDir, "p0-mask.png"));
    await expect(lines(three, files, { outputDir })).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(/kept.*masks.*--overwrite/),
    });
    expect(readFileSync(join(outputDir, "p0-mask.png"))).toEqual(before);
    await lines(three, files, { outputDir, overwrite: true });
    expect(readFileSync(join(outputDir, "p0-mask.png"))).not.toEqual(before);
    expect(readdirSync(outputDir).sort()).toEqual(["p0-mask.png", "p0-overlay.png"]);
  });
});

describe("volumes", () => {
  const labelsOf = async (file: ImageFile, axis: SliceAxis) => {
    const slices = [];
    for (let index = 0; index < file.count(axis); index++) slices.push(await file.read(index, axis));
    return slices;
  };

  test.each(["axial", "coronal", "sagittal"] as const)(
    "cut %s become one label volume of the image's shape and place",
    async (sliceAxis) => {
      const list = masksOf(await lines(three, [volume], { sliceAxis, batchSize: 4 }));
      const image = await openImageFile(volume);
      const labels = await openImageFile(list[0]?.mask as string);
      expect(list.map(({ path, slice, mask }) => [path, slice, mask])).toEqual(
        Array.from({ length: image.count(sliceAxis) }, (_, n) => [volume, n, list[0]?.mask]),
      );
      expect(list[0]?.mask).toMatch(/\/v-mask\.nii\.gz$/);
      expect((await labels.array()).shape).toEqual([...shape]);
      expect((await labels.array()).dtype).toBe("uint8");
      const { affine: lies, spacing, orientation } = labels.header;
      const { affine: expected, ...of } = image.header;
      expect(lies).toEqual(expected);
      expect([spacing, orientation]).toEqual([of.spacing, of.orientation]);
      const said = await arrays(three, [volume], { sliceAxis });
      const slices = await labelsOf(labels, sliceAxis);
      expect(slices).toHaveLength(said.length);
      for (const [n, { classes, height, width, areas }] of said.entries()) {
        const slice = slices[n] as SourceImage;
        expect([slice.height, slice.width]).toEqual([height, width]);
        expect([...slice.values]).toEqual([...classes]);
        expect(list[n]?.areas).toEqual(areas);
        const [rows, columns] = slice.spacing as [number, number];
        for (const { pixels, mm2 } of Object.values(areas)) expect(mm2).toBeCloseTo(pixels * rows * columns, 6);
        expect(existsSync(list[n]?.overlay as string)).toBe(true);
      }
      // Slices and classes differ, or a mistake would not be seen.
      expect(new Set(said.map(({ classes }) => String(classes))).size).toBeGreaterThan(said.length / 2);
      expect(new Set(said.flatMap(({ classes }) => [...classes])).size).toBeGreaterThan(2);
    },
  );

  test("of which some slices are asked for are background elsewhere, with a warning", async () => {
    const warnings: string[] = [];
    const onEvent = (event: RunEvent) => void (event.type === "warning" && warnings.push(event.message));
    const list = masksOf(await lines(three, [volume], { slices: "range:1-2" }, onEvent));
    expect(list.map(({ slice }) => slice)).toEqual([1, 2]);
    expect(warnings).toEqual(["v-mask.nii.gz: 2 of 5 slices were outlined, the others are background"]);
    const slices = await labelsOf(await openImageFile(list[0]?.mask as string), "axial");
    const said = await arrays(three, [volume]);
    for (const [n, { values }] of slices.entries()) {
      expect([...values]).toEqual(n === 1 || n === 2 ? [...(said[n]?.classes ?? [])] : [...values].fill(0));
    }
  });

  test("come between pictures in the files' order, each in a file of its own, though they have one name", async () => {
    const other = at("files/other/v.nii.gz");
    mkdirSync(at("files/other"), { recursive: true });
    copyFileSync(volume, other);
    const broken = at("files/broken.nii");
    writeFileSync(broken, makeNifti({ shape, affine, voxels: new Uint8Array(9) }));
    const files = [pictures[0]?.path as string, volume, cut, other, broken, pictures[1]?.path as string];
    const list = await lines(one, files, { batchSize: 3 });
    const five = (path: string) => new Array<string>(5).fill(path);
    expect(list.map(({ path }) => path)).toEqual([
      ...[files[0], ...five(volume), cut, ...five(other), broken, files[5]],
    ]);
    const named = list.filter((line): line is MaskLine => !("error" in line));
    const masks = [...new Set(named.map(({ mask }) => mask.replace(/^.*\//, "")))];
    expect(masks).toEqual(["p0-mask.png", "v-mask.nii.gz", "v-2-mask.nii.gz", "p1-mask.png"]);
    const overlays = named.map(({ overlay }) => overlay);
    expect(new Set(overlays).size).toBe(12);
    const [a, b] = named.filter(({ slice }) => slice === 0).map(({ mask }) => readFileSync(mask));
    expect(a).toEqual(b);
  });
});

const dicom = join(process.env.MSMAE_DATA ?? "../shared/data", "dicom/pydicom");
const missing = existsSync(join(dicom, "CT_small.dcm")) ? "" : " SKIPPED: no dicom/pydicom in MSMAE_DATA";

test.skipIf(missing)(
  `real DICOM files: the mask has the image's size, areas are in its pixel spacing${missing}`,
  async () => {
    // Their headers say 128×128 at 0.661468 mm, and 64×64 at 0.3125 mm.
    const files = ["CT_small.dcm", "MR_small.dcm"].map((name) => join(dicom, name));
    const list = masksOf(await lines(one, files));
    for (const [n, [side, spacing]] of (
      [
        [128, 0.661468],
        [64, 0.3125],
      ] as const
    ).entries()) {
      const { width, height, values } = await greyOf(list[n]?.mask as string);
      expect([width, height]).toEqual([side, side]);
      const pixels = values.filter((value) => value === 255).length;
      expect(pixels).toBeGreaterThan(0);
      expect(list[n]?.areas).toEqual({ lesion: { pixels, mm2: expect.closeTo(pixels * spacing ** 2, 6) } });
    }
  },
);

test("the command writes a JSON line for each picture, and for people the areas", () => {
  const files = [pictures[0]?.path as string, cut];
  const argv = ["predict", "--checkpoint", one.path, "--output-dir", at("command"), "--threads", "1", ...files];
  const { code, stdout, stderr } = msmae(...argv, "--json");
  expect(code, stderr).toBe(0);
  const [line, failed] = stdout
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(Object.keys(line ?? {})).toEqual(["path", "areas", "confidences", "overlay", "mask"]);
  expect(line).toMatchObject({ mask: at("command/p0-mask.png"), overlay: at("command/p0-overlay.png") });
  expect(failed).toMatchObject({ path: cut, error: { code: "Data" } });
  const people = msmae(...argv, "--overwrite");
  expect(people.stdout).toMatch(/p0\.png.*lesion \d+ pixels.*p0-mask\.png/);
});
