import type { RasterImage } from "../../src/formats/raster.ts";
import { Normalizer } from "../../src/images/transforms/normalize.ts";
import { type ResampleFilter, Resizer } from "../../src/images/transforms/resize.ts";
import { resizeMap } from "../support/map-reference.ts";
import { exact, hostFloat32 } from "../tolerances.ts";
import type { GoldenFile } from "./goldens.ts";
import type { Comparison } from "./harness.ts";

/** Resizing, resized crops, normalisation and the resize of weight maps, against Pillow, torchvision and torch. */
export function checkImages(golden: GoldenFile, out: Comparison): void {
  const resizer = new Resizer();
  const image = (name: string): RasterImage => {
    const [height, width, channels] = golden.shape(name) as [number, number, 1 | 3];
    return { height, width, channels, pixels: golden.bytes(name) };
  };
  for (const name of golden.names) {
    const resize = /^(resize\/.+)\/(bilinear|bicubic|lanczos)$/.exec(name);
    const crop = /^(crop)\/(\d+),(\d+),(\d+),(\d+)\/(bilinear|bicubic|lanczos)$/.exec(name);
    if (resize) {
      const expected = image(name);
      const filter = resize[2] as ResampleFilter;
      const got = resizer.resize(image(`${resize[1]}/in`), expected.height, expected.width, { filter });
      out.add(name, "host", got, expected.pixels, exact);
    } else if (crop) {
      const expected = image(name);
      const [top, left, height, width] = crop.slice(2, 6).map(Number) as [number, number, number, number];
      const options = { filter: crop[6] as ResampleFilter, crop: { top, left, height, width } };
      const got = resizer.resize(image("crop/in"), expected.height, expected.width, options);
      out.add(name, "host", got, expected.pixels, exact);
    }
  }
  if (golden.has("normalise/in")) {
    const { pixels, channels } = image("normalise/in");
    const got = new Float32Array(pixels.length);
    new Normalizer(channels).normalize(pixels, got);
    out.add("normalise/out", "host", got, golden.values("normalise/out"), exact);
  }
  if (golden.has("map/in")) {
    const [height, width] = golden.shape("map/out").slice(-2) as [number, number];
    const [gh, gw] = golden.shape("map/in").slice(-2) as [number, number];
    const got = golden.rows("map/in").flatMap((map) => [...resizeMap(map, gh, gw, height, width)]);
    out.add("map/out", "host", got, golden.values("map/out"), hostFloat32);
  }
}
