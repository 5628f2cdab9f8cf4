import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { RasterImage } from "../../src/data/raster.ts";
import { Normalizer } from "../../src/data/transforms/normalize.ts";
import { type ResampleFilter, Resizer } from "../../src/data/transforms/resize.ts";
import { resizeMap, sumPerPatch } from "../../src/masking/patch-weights.ts";

const folder = process.env.MSMAE_GOLDENS ?? resolve(import.meta.dirname, "../../../shared/goldens");
const missing = !existsSync(resolve(folder, "images.safetensors"));
const suffix = missing ? " (SKIPPED: no ../shared/goldens)" : "";

interface Tensor {
  shape: number[];
  data: Uint8Array | Float32Array | Float64Array;
}

/** A safetensors file as it is, without the checks of the real reader: these tests must not lean on it. */
function readTensors(path: string): Map<string, Tensor> {
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString());
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries<{ dtype: string; shape: number[]; data_offsets: [number, number] }>(
    header,
  )) {
    if (name === "__metadata__") continue;
    const [start, end] = entry.data_offsets;
    const { buffer } = Uint8Array.from(bytes.subarray(8 + headerLength + start, 8 + headerLength + end));
    const make = { U8: Uint8Array, F32: Float32Array, F64: Float64Array }[entry.dtype];
    if (make) tensors.set(name, { shape: entry.shape, data: new make(buffer) });
  }
  return tensors;
}

const tensors = missing ? new Map<string, Tensor>() : readTensors(resolve(folder, "images.safetensors"));

function tensor(name: string): Tensor {
  const found = tensors.get(name);
  if (!found) throw new Error(`no ${name} in images.safetensors`);
  return found;
}

function image(name: string): RasterImage {
  const { shape, data } = tensor(name);
  const [height, width, channels] = shape as [number, number, 1 | 3];
  return { height, width, channels, pixels: data as Uint8Array };
}

describe.skipIf(missing)(`images equal Pillow's, torchvision's and torch's${suffix}`, () => {
  const resizer = new Resizer();
  const names = [...tensors.keys()];

  test.each(names.filter((name) => /^resize\/.*\/(bilinear|bicubic|lanczos)$/.test(name)))("%s to the byte", (name) => {
    const cut = name.lastIndexOf("/");
    const expected = image(name);
    const filter = name.slice(cut + 1) as ResampleFilter;
    const result = resizer.resize(image(`${name.slice(0, cut)}/in`), expected.height, expected.width, { filter });
    expect(Buffer.compare(result, expected.pixels)).toBe(0);
  });

  test.each(names.filter((name) => /^crop\/\d/.test(name)))("%s to the byte", (name) => {
    const [, box, filter] = name.split("/") as [string, string, ResampleFilter];
    const [top, left, height, width] = box.split(",").map(Number) as [number, number, number, number];
    const expected = image(name);
    const crop = { top, left, height, width };
    const result = resizer.resize(image("crop/in"), expected.height, expected.width, { filter, crop });
    expect(Buffer.compare(result, expected.pixels)).toBe(0);
  });

  test("normalise/out to the bit", () => {
    const { pixels } = image("normalise/in");
    const out = new Float32Array(pixels.length);
    new Normalizer(3).normalize(pixels, out);
    expect(out).toEqual(tensor("normalise/out").data);
  });

  test("map/out within 1e-6 (float32 rounding of two multiplications)", () => {
    const [, gh, gw] = tensor("map/in").shape as [number, number, number];
    const [, height, width] = tensor("map/out").shape as [number, number, number];
    const result = resizeMap(tensor("map/in").data, gh, gw, height, width);
    tensor("map/out").data.forEach((value, at) => {
      expect(Math.abs((result[at] as number) - value)).toBeLessThan(1e-6);
    });
  });
});

// Relative to the sum: float64 sums differ by order only; float32 sums of 256 values by at most 256 roundings.
test.skipIf(missing).each([
  ["micro", 1e-14],
  ["mini", 1e-5],
] as const)(`patchWeights/sum of pretrain/%s within %d${suffix}`, (name, tolerance) => {
  const golden = readTensors(resolve(folder, `pretrain/${name}.safetensors`));
  const weights = golden.get("patchWeights/image") as Tensor;
  const sums = golden.get("patchWeights/sum") as Tensor;
  const [batch, , height, width] = weights.shape as [number, number, number, number];
  const patches = sums.shape[1] as number;
  const patchSize = Math.sqrt((height * width) / patches);
  for (let b = 0; b < batch; b++) {
    const area = height * width;
    const result = sumPerPatch(weights.data.subarray(b * area, (b + 1) * area), height, width, patchSize);
    result.forEach((sum, patch) => {
      const expected = sums.data[b * patches + patch] as number;
      expect(Math.abs(sum - expected)).toBeLessThanOrEqual(tolerance * expected);
    });
  }
});
