import sharp from "sharp";
import { type DataShowInput, type DataShowOptions, resolveOptions, verbs } from "../../config/index.ts";
import { chooseItem } from "../../data/pictures/decode-image.ts";
import { unreadable } from "../../formats/decode-error.ts";
import { openImageFile } from "../../formats/node/open-image-file.ts";
import { encodeNpy } from "../../formats/npy.ts";
import type { RasterImage } from "../../formats/raster.ts";
import type { SliceAxis, StoredArray } from "../../formats/source-image.ts";
import { finiteRange } from "../../formats/statistics.ts";
import { isBig, typeNameOf } from "../../formats/typed-arrays.ts";
import { applyWindow, parseWindow, type ResolvedWindow, resolveWindow } from "../../images/window.ts";
import { OutputFile } from "../../support/files/output-file.ts";
import { IDLE } from "../../support/threads/watched-thread.ts";

/** Of a header, what the result says by itself. */
const SAID_ELSEWHERE: ReadonlySet<string> = new Set(["format", "shape", "dtype", "window"]);

/** Smallest and largest finite value; null where there is none. */
export type ValueRange = { min: number; max: number } | null;

/** The picture on its way from the file to 8 bits. */
export interface ShownPicture {
  item: number;
  /** Of how many along `axis`. */
  count: number;
  axis: SliceAxis;
  width: number;
  height: number;
  channels: 1 | 3;
  /** NumPy's name of the type that its values have after rescaling. */
  dtype: string;
  /** After rescaling, in the file's unit, of what is a measurement. */
  range: ValueRange;
  /** Pixels that are no measurement: padding, no finite number, outside of a CT scanner's circle. They become black. */
  unmeasured: number;
  /** Small values are white. */
  inverted: boolean;
  /** Of the 8-bit picture. */
  displayed: ValueRange;
}

/** Centre and width, or table, that turned values into levels, and where it comes from. */
export interface ShownWindow {
  from: string;
  name?: string;
  shape: "LINEAR" | "LINEAR_EXACT" | "SIGMOID" | "RANGE" | "LUT";
  center?: number;
  width?: number;
}

/** All about one image file: the result of `data show`. */
export interface ShowResult {
  path: string;
  format: string;
  /** Of the whole decoded array, as pydicom, nibabel or NumPy has it. */
  shape: number[];
  dtype: string;
  /** Of the whole decoded array, before any rescaling that the array does not hold. */
  range: ValueRange;
  transferSyntax?: unknown;
  photometric?: unknown;
  /** Millimetres between pixels or voxels, as the format orders them. */
  spacing?: unknown;
  /** What else the header says. */
  header: Record<string, unknown>;
  /** Absent where the file holds an array but no pictures. */
  picture?: ShownPicture;
  window?: ShownWindow;
  /** Files written. */
  array?: string;
  png?: string;
}

/**
 * Reads one image file and says what each step makes of it: the decoded array, one picture after rescaling, the window
 * and where it comes from, the 8-bit picture. Writes the array or the picture where asked to.
 *
 * @param onStep hears the number of each step of decoding before it is begun, and {@link IDLE} when it is done.
 * @throws MsmaeError Data when the file cannot be read or lacks the picture or window, or a file stands where one is to be
 * written; Config for a window of no form.
 */
export async function showImageFile(
  input: DataShowInput | DataShowOptions,
  onStep?: (step: number) => void,
): Promise<ShowResult> {
  const options = resolveOptions(verbs.dataShow, input);
  const { file: path, sliceAxis: axis } = options;
  const rule = parseWindow(options.window);
  const output = (option: string, name: string | undefined) =>
    name === undefined ? undefined : OutputFile.claim(name, { option, overwrite: options.overwrite, inputs: [path] });
  const [pictureFile, arrayFile] = [await output("--png", options.png), await output("--array", options.array)];
  onStep?.(0);
  const file = await openImageFile(path, {}, options.alpha);
  try {
    onStep?.(1);
    const array = await file.array();
    const { transferSyntax, photometric, spacing, ...rest } = file.header;
    const header = Object.fromEntries(Object.entries(rest).filter(([name]) => !SAID_ELSEWHERE.has(name)));
    const { shape, dtype } = array;
    const result: ShowResult = { path, format: file.format, shape, dtype, range: arrayRange(array), header };
    Object.assign(result, definedOf({ transferSyntax, photometric, spacing }));
    const count = file.count(axis);
    // A file without pictures says itself why when one is asked for.
    if (count > 0 || options.slice !== undefined || options.png !== undefined) {
      const item = chooseItem(path, file, axis, options.slice);
      onStep?.(2);
      const source = await file.read(item, axis);
      const resolved = resolveWindow(source, rule, path);
      const image = applyWindow(source, rule, path);
      onStep?.(IDLE);
      const { width, height, channels, inverted, values } = source;
      const shown = {
        width,
        height,
        channels,
        dtype: typeNameOf(values),
        range: rangeOf(finiteRange(values, channels === 1 ? source.unmeasured : undefined)),
        unmeasured: image.unmeasured?.reduce((sum, mark) => sum + mark, 0) ?? 0,
        inverted,
      };
      result.picture = { item, count, axis, ...shown, displayed: rangeOf(finiteRange(image.pixels)) };
      result.window = shownWindow(resolved);
      if (pictureFile) {
        await pictureFile.write(await encodePicture(image));
        result.png = pictureFile.path;
      }
    }
    onStep?.(IDLE);
    if (arrayFile) {
      await arrayFile.write(encodeNpy(array.data, shape, dtype));
      result.array = arrayFile.path;
    }
    return result;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function arrayRange({ data, dtype }: StoredArray): ValueRange {
  // Pairs, bits of half floats and named bytes have no order of their own.
  if (dtype.startsWith("complex") || dtype === "float16") return null;
  return rangeOf(finiteRange(isBig(data) ? Float64Array.from(data, Number) : data));
}

function rangeOf(range: readonly [number, number] | undefined): ValueRange {
  return range ? { min: range[0], max: range[1] } : null;
}

function shownWindow({ from, window }: ResolvedWindow): ShownWindow {
  if (window.kind === "range") {
    const { low, high } = window;
    return { from, shape: "RANGE", center: (low + high) / 2, width: high - low };
  }
  const named = window.name === "" ? {} : { name: window.name };
  if (window.kind === "lut") return { from, ...named, shape: "LUT" };
  return { from, ...named, shape: window.shape, center: window.center, width: window.width };
}

function encodePicture({ width, height, channels, pixels }: RasterImage): Promise<Uint8Array> {
  const image = sharp(pixels, { raw: { width, height, channels } });
  return (channels === 1 ? image.toColourspace("b-w") : image).png().toBuffer();
}

function definedOf(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
