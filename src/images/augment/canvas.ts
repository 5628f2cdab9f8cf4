import type { RasterImage } from "../../formats/raster.ts";
import type { AffineMatrix } from "../../geometry/warps.ts";
import { MsmaeError } from "../../support/errors.ts";
import { wasmBase64 } from "./generated/kernels.ts";

const PAGE = 65_536;
// The kernels' wide loads and stores run at most this far past a buffer.
const PADDING = 64;

type Kernel = (...args: number[]) => void;

interface Kernels {
  affine: Kernel;
  remap: Kernel;
  lookUp: Kernel;
  countValues: Kernel;
  greySum(image: number, pixels: number): number;
  saturate: Kernel;
  turnHue: Kernel;
  sharpen: Kernel;
  boxX: Kernel;
  boxY: Kernel;
}

let compiled: WebAssembly.Module | undefined;

function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(wasmBase64), (char) => char.charCodeAt(0)));
  return compiled;
}

/** A box filter's reach in whole pixels, at most 128, and its weights in units of 2⁻²⁴. */
export interface BoxWeights {
  radius: number;
  /** Weight of the pixels within the reach. */
  whole: number;
  /** Weight of the two just beyond. */
  part: number;
}

/** An image in the memory of the augmentation kernels, on which operations work in place. One for each thread. */
export class Canvas implements RasterImage {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly #kernels: Kernels;
  readonly #buffer: ArrayBufferLike;
  readonly #scratch: number;
  #front: number;
  #back: number;
  #pixels: Uint8Array;
  #other: Uint8Array;
  #places: { height: number; width: number; xs: Float64Array; ys: Float64Array } | undefined;

  constructor(height: number, width: number, channels: 1 | 3) {
    this.height = height;
    this.width = width;
    this.channels = channels;
    const bytes = height * width * channels;
    const align = (at: number) => Math.ceil((at + PADDING) / 16) * 16;
    this.#front = PADDING;
    this.#back = align(this.#front + bytes);
    this.#scratch = align(this.#back + bytes);
    // Two float64 per pixel, or six float32 per sample of a row, or a padded row: the first is the largest but for tiny
    // images.
    const total = this.#scratch + 16 * height * width + 64 * (width + 64) * channels + 4096;
    const pages = Math.ceil(total / PAGE);
    let memory: WebAssembly.Memory;
    try {
      memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    } catch (cause) {
      const todo = "use a smaller input size, or free memory";
      const parts = { where: "augmentation", expected: `${total} bytes of buffers`, got: "no room for them", todo };
      throw new MsmaeError("Data", parts, { cause });
    }
    this.#buffer = memory.buffer;
    this.#kernels = new WebAssembly.Instance(kernelModule(), { env: { memory, abort: unreachable } })
      .exports as unknown as Kernels;
    this.#pixels = new Uint8Array(this.#buffer, this.#front, bytes);
    this.#other = new Uint8Array(this.#buffer, this.#back, bytes);
  }

  /** uint8 [h, w, C], in place; another view after an operation that moves pixels. */
  get pixels(): Uint8Array {
    return this.#pixels;
  }

  /** uint8 [h, w, C] of undefined content, shown by {@link Canvas.swap}. */
  get other(): Uint8Array {
    return this.#other;
  }

  swap(): void {
    [this.#front, this.#back] = [this.#back, this.#front];
    [this.#pixels, this.#other] = [this.#other, this.#pixels];
  }

  /** Float64 arrays of one entry per pixel, for {@link Canvas.remap}; overwritten by other operations. */
  get places(): { height: number; width: number; xs: Float64Array; ys: Float64Array } {
    const { height, width } = this;
    const count = height * width;
    const at = Math.ceil(this.#scratch / 8) * 8;
    this.#places ??= {
      height,
      width,
      xs: new Float64Array(this.#buffer, at, count),
      ys: new Float64Array(this.#buffer, at + 8 * count, count),
    };
    return this.#places;
  }

  /** Shows the image at {@link AffineMatrix} of each pixel's centre, `fill` (one value per channel) beyond its edges. */
  affine(matrix: AffineMatrix, filter: "bilinear" | "bicubic", fill: readonly number[]): void {
    new Float64Array(this.#buffer, this.#scratch, 6).set(matrix);
    const { height, width, channels } = this;
    const cubic = filter === "bicubic" ? 1 : 0;
    this.#kernels.affine(this.#front, this.#back, width, height, channels, this.#scratch, packed(fill), cubic);
    this.swap();
  }

  /** Shows the image bilinearly at {@link Canvas.places}, `fill` where a place is NaN. */
  remap(fill: readonly number[]): void {
    const { xs, ys } = this.places;
    const { height, width, channels } = this;
    const [atX, atY] = [xs.byteOffset, ys.byteOffset];
    this.#kernels.remap(this.#front, this.#back, width, height, channels, atX, atY, packed(fill));
    this.swap();
  }

  /** Replaces every value by the table's: one table of 256 bytes for all channels, or one for each. */
  lookUp(tables: readonly Uint8Array[]): void {
    const bytes = this.#pixels.length;
    for (const [at, table] of tables.entries()) new Uint8Array(this.#buffer, this.#scratch + 256 * at, 256).set(table);
    this.#kernels.lookUp(this.#front, bytes, tables.length, this.#scratch);
  }

  /** Counts of the 256 values of each channel. */
  histograms(): Uint32Array[] {
    this.#kernels.countValues(this.#front, this.#pixels.length, this.channels, this.#scratch);
    return Array.from({ length: this.channels }, (_, channel) =>
      new Uint32Array(this.#buffer, this.#scratch + 1024 * channel, 256).slice(),
    );
  }

  /** The mean of the grey version, ITU-R 601-2 as Pillow rounds it. */
  meanGrey(): number {
    const count = this.height * this.width;
    if (this.channels === 3) return this.#kernels.greySum(this.#front, count) / count;
    const [counts = new Uint32Array(256)] = this.histograms();
    return counts.reduce((sum, of, value) => sum + of * value, 0) / count;
  }

  /**
   * Turns the hue by `shift` of the circle (−0.5…0.5). Nothing happens to one channel.
   * Source: torchvision `adjust_hue` on PIL images, with Pillow's 8-bit HSV in float32 and float64 steps.
   */
  turnHue(shift: number): void {
    if (this.channels === 1) return;
    const add = Math.trunc(shift * 255) & 255;
    this.#kernels.turnHue(this.#front, this.height * this.width, add, this.#scratch);
  }

  /** Blends with the image's grey version: 0 is grey, 1 the image. Nothing happens to one channel. */
  saturate(factor: number): void {
    if (this.channels === 3 && Math.fround(factor) !== 1) {
      this.#kernels.saturate(this.#front, this.#back, this.height * this.width, factor);
      this.swap();
    }
  }

  /** Blends with the image smoothed by a 3×3 kernel: 0 is smooth, 1 the image. The border stays. */
  sharpen(factor: number): void {
    const { height, width, channels } = this;
    if (height < 3 || width < 3 || Math.fround(factor) === 1) return;
    this.#other.set(this.#pixels);
    this.#kernels.sharpen(this.#front, this.#back, width, height, channels, factor, this.#scratch);
    this.swap();
  }

  /** Filters with a box along both axes, edges repeated, `passes` times each. */
  box({ radius, whole, part }: BoxWeights, passes: number): void {
    const { height, width, channels } = this;
    for (let pass = 0; pass < passes; pass++) {
      this.#kernels.boxX(this.#front, width, height, channels, radius, whole, part, this.#scratch);
    }
    for (let pass = 0; pass < passes; pass++) {
      this.#kernels.boxY(this.#front, this.#back, width, height, channels, radius, whole, part, this.#scratch);
      this.swap();
    }
  }
}

function packed(fill: readonly number[]): number {
  const [red = 0, green = red, blue = red] = fill;
  return red | (green << 8) | (blue << 16);
}

function unreachable(): never {
  throw new Error("augmentation kernel aborted");
}
