import type { RasterImage } from "../../formats/raster.ts";
import type { CropBox } from "../../geometry/geometry.ts";
import { MsmaeError } from "../../support/errors.ts";
import { wasmBase64 } from "./generated/resize.ts";
import { packTaps, type ResampleFilter, resampleTaps, reverseTaps, type TapTable } from "./resample-taps.ts";

export type { ResampleFilter } from "./resample-taps.ts";

const PAGE = 65_536;
// 1 GiB: source rows pass through in bands, so that even a gigapixel source needs far less.
const MAXIMUM_PAGES = 16_384;
const BAND_BYTES = 1 << 22;

/** How to resize: `crop` cuts whole pixels before resampling, `box` (left, top, right, bottom) samples at fractions. */
export interface ResizeOptions {
  filter: ResampleFilter;
  crop?: CropBox;
  /** Pillow's `box`, in pixels of the (cropped) image; filters may not read beyond the image, but may beyond the box. */
  box?: readonly [number, number, number, number];
  /** Mirror the result along x. */
  flip?: boolean;
  /** Receives the result; its length is height·width·channels of the output. */
  out?: Uint8Array;
}

interface Kernel {
  horizontal1(...args: number[]): void;
  horizontal3(...args: number[]): void;
  vertical(src: number, dst: number, rows: number, rowBytes: number, first: number, taps: number, n: number): void;
}

let compiled: WebAssembly.Module | undefined;

function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(wasmBase64), (char) => char.charCodeAt(0)));
  return compiled;
}

/** A resize kernel with memory of its own, kept between images: one for each thread. */
export class Resizer {
  readonly #memory = new WebAssembly.Memory({ initial: 64, maximum: MAXIMUM_PAGES, shared: true });
  readonly #kernel: Kernel;

  constructor() {
    const instance = new WebAssembly.Instance(kernelModule(), { env: { memory: this.#memory, abort: unreachable } });
    this.#kernel = instance.exports as unknown as Kernel;
  }

  /**
   * Resizes uint8 [h, w, C] to [outputHeight, outputWidth, C], equal to Pillow's `Image.crop(...).resize(...)` to the
   * byte.
   *
   * @throws MsmaeError Shape when a size, the crop or the box does not fit the image.
   * Source: Pillow 13 `Image.resize`: antialiased separable filters, 22-bit fixed point, clipped after each pass.
   */
  resize(image: RasterImage, outputHeight: number, outputWidth: number, options: ResizeOptions): Uint8Array {
    const crop = options.crop ?? { top: 0, left: 0, height: image.height, width: image.width };
    checkSizes(image, crop, outputHeight, outputWidth, options);
    const { channels } = image;
    const { filter, flip = false } = options;
    const [x0, y0, x1, y1] = options.box ?? [0, 0, crop.width, crop.height];
    const out = options.out ?? new Uint8Array(outputHeight * outputWidth * channels);

    let tapsX: TapTable | undefined;
    if (outputWidth !== crop.width || x0 !== 0 || x1 !== crop.width || flip) {
      const taps = resampleTaps(crop.width, x0, x1, outputWidth, filter, channels === 3 ? 4 : 8);
      tapsX = flip ? reverseTaps(taps) : taps;
    }
    const needY = outputHeight !== crop.height || y0 !== 0 || y1 !== crop.height;
    const tapsY = needY ? resampleTaps(crop.height, y0, y1, outputHeight, filter, 2) : undefined;
    if (!tapsX && !tapsY) {
      copyRows(image, crop, 0, crop.height, out, 0);
      return out;
    }

    const rowBytes = { in: crop.width * channels, out: outputWidth * channels };
    const plan = this.#plan(crop, rowBytes, outputHeight, tapsX, tapsY);
    const bytes = new Uint8Array(this.#memory.buffer);
    this.#store(tapsX, channels === 3 ? 2 : 8, plan.tableX);
    this.#store(tapsY, 2, plan.tableY);
    const passX = (from: number, to: number, rows: number, taps: TapTable) => {
      const pass = channels === 3 ? this.#kernel.horizontal3 : this.#kernel.horizontal1;
      pass(from, rowBytes.in, to, rows, outputWidth, plan.tableX, coefficientsAt(plan.tableX, taps), taps.taps);
    };
    const passY = (from: number, to: number, row: number, taps: TapTable) =>
      this.#kernel.vertical(from, to, outputHeight, row, plan.tableY, coefficientsAt(plan.tableY, taps), taps.taps);

    if (tapsX && plan.xFirst) {
      const target = tapsY ? plan.middle : plan.result;
      for (let row = 0; row < crop.height; row += plan.bandRows) {
        const rows = Math.min(plan.bandRows, crop.height - row);
        copyRows(image, crop, row, rows, bytes, plan.input);
        passX(plan.input, target + row * rowBytes.out, rows, tapsX);
      }
      if (tapsY) passY(plan.middle, plan.result, rowBytes.out, tapsY);
    } else if (tapsY) {
      copyRows(image, crop, 0, crop.height, bytes, plan.input);
      passY(plan.input, tapsX ? plan.middle : plan.result, rowBytes.in, tapsY);
      if (tapsX) passX(plan.middle, plan.result, outputHeight, tapsX);
    }
    out.set(bytes.subarray(plan.result, plan.result + out.length));
    return out;
  }

  #store(table: TapTable | undefined, group: number, at: number): void {
    if (!table) return;
    new Int32Array(this.#memory.buffer, at, table.first.length).set(table.first);
    const packed = packTaps(table, group);
    new Int16Array(this.#memory.buffer, coefficientsAt(at, table), packed.length).set(packed);
  }

  /** Lays the buffers out from address 0 and grows the memory to hold them; pads for the kernel's wide accesses. */
  #plan(
    crop: CropBox,
    rowBytes: { in: number; out: number },
    outputHeight: number,
    tapsX: TapTable | undefined,
    tapsY: TapTable | undefined,
  ): Plan {
    let top = 0;
    const take = (bytes: number) => {
      const at = top;
      top += align(bytes + 32);
      return at;
    };
    const outputWidth = tapsX?.first.length ?? crop.width;
    const xFirst = tapsX !== undefined && (!tapsY || !shrinksMostlyInY(crop, outputHeight, outputWidth));
    const bandRows = xFirst ? Math.max(1, Math.min(crop.height, Math.floor(BAND_BYTES / rowBytes.in))) : crop.height;
    const spareX = (tapsX?.taps ?? 0) * 3;
    const spareRows = tapsY?.taps ?? 0;
    const plan: Plan = {
      xFirst,
      bandRows,
      tableX: take(tableBytes(tapsX)),
      tableY: take(tableBytes(tapsY)),
      input: take(xFirst ? bandRows * rowBytes.in + spareX : (crop.height + spareRows) * rowBytes.in),
      middle: take(
        !tapsX || !tapsY ? 0 : xFirst ? (crop.height + spareRows) * rowBytes.out : outputHeight * rowBytes.in + spareX,
      ),
      result: take(outputHeight * rowBytes.out),
    };
    this.#grow(top, crop);
    return plan;
  }

  #grow(bytes: number, crop: CropBox): void {
    const missing = Math.ceil((bytes - this.#memory.buffer.byteLength) / PAGE);
    if (missing <= 0) return;
    try {
      this.#memory.grow(missing);
    } catch (cause) {
      const parts = {
        where: `resize of a ${crop.width}×${crop.height} image`,
        expected: `at most ${MAXIMUM_PAGES * PAGE} bytes of buffers`,
        got: `${bytes}`,
        todo: "use a smaller image or input size, or free memory",
      };
      throw new MsmaeError("Data", parts, { cause });
    }
  }
}

/** Byte offsets of the buffers in the kernel's memory, and the order of the passes. */
interface Plan {
  xFirst: boolean;
  bandRows: number;
  tableX: number;
  tableY: number;
  input: number;
  middle: number;
  result: number;
}

/**
 * Whether y goes first. The order matters to the last bit, since each pass rounds.
 * PARITY: Pillow 13's rule; up to Pillow 12 x always went first.
 */
function shrinksMostlyInY(crop: CropBox, outputHeight: number, outputWidth: number): boolean {
  return crop.height - outputHeight > 2 * Math.max(0, crop.width - outputWidth);
}

const align = (bytes: number) => Math.ceil(bytes / 16) * 16;
const coefficientsAt = (at: number, table: TapTable) => at + align(table.first.length * 4);
const tableBytes = (table?: TapTable) => (table ? align(table.first.length * 4) + table.coefficients.length * 4 : 0);

function unreachable(): never {
  throw new Error("resize kernel aborted");
}

function copyRows(image: RasterImage, crop: CropBox, row: number, rows: number, to: Uint8Array, at: number): void {
  const stride = image.width * image.channels;
  const bytes = crop.width * image.channels;
  const from = (crop.top + row) * stride + crop.left * image.channels;
  if (bytes === stride) {
    to.set(image.pixels.subarray(from, from + rows * stride), at);
    return;
  }
  for (let y = 0; y < rows; y++) {
    to.set(image.pixels.subarray(from + y * stride, from + y * stride + bytes), at + y * bytes);
  }
}

function checkSizes(image: RasterImage, crop: CropBox, outHeight: number, outWidth: number, o: ResizeOptions): void {
  const fail = (expected: string, got: string) => {
    throw new MsmaeError("Shape", { where: "resize", expected, got, todo: "check the image, the crop and the size" });
  };
  const positive = (value: number) => Number.isInteger(value) && value > 0;
  const { width, height, channels, pixels } = image;
  if (!positive(outHeight) || !positive(outWidth)) fail("a positive whole output size", `${outHeight}×${outWidth}`);
  if (!positive(width) || !positive(height) || pixels.length !== width * height * channels) {
    fail("height·width·channels samples", `${pixels.length} samples for ${height}×${width}×${channels}`);
  }
  const wholeCrop = positive(crop.width) && positive(crop.height);
  const wholeStart = Number.isInteger(crop.top) && Number.isInteger(crop.left) && crop.top >= 0 && crop.left >= 0;
  if (!wholeCrop || !wholeStart || crop.top + crop.height > height || crop.left + crop.width > width) {
    fail(`a crop inside ${height}×${width}`, JSON.stringify(crop));
  }
  if (o.box) {
    const [x0, y0, x1, y1] = o.box;
    if (!(x0 >= 0 && y0 >= 0 && x1 <= crop.width && y1 <= crop.height && x0 < x1 && y0 < y1)) {
      fail(`a box inside ${crop.width}×${crop.height} (left, top, right, bottom)`, JSON.stringify(o.box));
    }
  }
  const bytes = outHeight * outWidth * channels;
  if (o.out && o.out.length !== bytes) fail(`an output buffer of ${bytes} samples`, `${o.out.length}`);
}
