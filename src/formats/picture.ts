import sharp, { type Metadata, type Sharp } from "sharp";
import { decodeBmp } from "./bmp.ts";
import { checkPictureClaim } from "./claims.ts";
import { inksToRgb } from "./cmyk.ts";
import { overLimit, unreadable } from "./decode-error.ts";
import { transparentColour } from "./gif.ts";
import { decodePlainJpeg } from "./jpeg.ts";
import type { DecodeLimits } from "./limits.ts";
import type { RasterImage } from "./raster.ts";
import type { AlphaRule, ImageFile, NumericArray, SourceImage, StoredArray } from "./source-image.ts";
import { unitLevels } from "./statistics.ts";
import { needsOwnReader, readTiffSamples, type TiffSamples } from "./tiff.ts";
import { readTiffPages, type TiffPage } from "./tiff-directory.ts";
import { type NumericType, newArray, typeNameOf, viewAs } from "./typed-arrays.ts";

/** Formats that libvips reads for us. */
export type PictureFormat = "PNG" | "JPEG" | "WebP" | "GIF" | "TIFF";

/** libvips' names of sample types. */
const SAMPLE_TYPES: Record<string, NumericType> = {
  uchar: "uint8",
  char: "int8",
  ushort: "uint16",
  short: "int16",
  uint: "uint32",
  int: "int32",
  float: "float32",
  double: "float64",
};

/**
 * Opens a picture file: one picture, or the pages of a TIFF. Of an animation, the first picture is read.
 *
 * EXIF orientation is applied, palettes are expanded, and embedded colour profiles are ignored: the stored values count,
 * as in Pillow. So they do of transparent pixels, save that 8- and 16-bit levels are laid over a colour where asked.
 *
 * @param bytes the file.
 * @param where named in errors: the path.
 * @throws MsmaeError Data when the header cannot be read or asks for more than the limits allow.
 */
export async function openPicture(
  bytes: Uint8Array,
  format: PictureFormat,
  where: string,
  limits: DecodeLimits,
  alpha: AlphaRule,
): Promise<ImageFile> {
  try {
    checkPictureClaim(bytes, format);
  } catch (cause) {
    throw unreadable(where, cause);
  }
  const plain = format === "JPEG" ? await decodePlainJpeg(bytes, limits.pixels) : undefined;
  if (plain) return onePicture("JPEG", plain, where, limits);
  const load = (page: number) => {
    const pages = format === "TIFF" ? { page } : {};
    return sharp(bytes, { failOn: "error", limitInputPixels: limits.pixels, ignoreIcc: true, ...pages });
  };
  const directory = format === "TIFF" ? tiffDirectory(bytes, limits) : [];
  const own = (page: number) => (directory[page] && needsOwnReader(directory[page]) ? directory[page] : undefined);
  const ownFirst = own(0);
  const first = ownFirst
    ? undefined
    : await load(0)
        .metadata()
        .catch((cause) => {
          throw unreadable(where, cause);
        });
  const pages = format === "TIFF" ? (first?.pages ?? directory.length) : 1;
  if (pages > limits.frames) throw overLimit(where, `at most ${limits.frames} pages`, `${pages}`);

  const read = async (page: number): Promise<SourceImage> => {
    try {
      if (directory[page]) checkColours(directory[page]);
      const samples = own(page);
      const whiteIsZero = directory[page]?.photometric === 0;
      if (samples) return measured(readTiffSamples(bytes, samples, limits), whiteIsZero);
      const metadata = page === 0 && first ? first : await load(page).metadata();
      const hidden = format === "GIF" && alpha === "drop" ? transparentColour(bytes) : undefined;
      return await decode(() => load(page), metadata, { whiteIsZero, alpha, hidden });
    } catch (cause) {
      throw unreadable(pages > 1 ? `${where}, page ${page}` : where, cause);
    }
  };
  const header = first ? headerOf(first) : { ...tiffHeader(ownFirst as TiffPage), pages };
  return { format, count: () => pages, read, array: () => stack(pages, read, where, limits), header };
}

// What the directory cannot make sense of, libvips may; and it names faults better.
function tiffDirectory(bytes: Uint8Array, limits: DecodeLimits): TiffPage[] {
  try {
    return readTiffPages(bytes, limits.frames);
  } catch {
    return [];
  }
}

// Taken as colours, or the first of them as grey, they would be a guess. A second sample is taken for transparency.
function checkColours({ photometric, samples }: TiffPage): void {
  if (photometric > 1 || samples <= 2) return;
  throw new Error(`${samples} grey samples in each pixel, which may be anything: save the one that is meant`);
}

function tiffHeader({ width, height, samples, bits, sampleFormat, compression, photometric }: TiffPage) {
  return { width, height, channels: samples, bitsPerSample: bits, sampleFormat, compression, photometric };
}

/** Opens a Windows bitmap. @throws MsmaeError Data as {@link openPicture}. */
export function openBmp(bytes: Uint8Array, where: string, limits: DecodeLimits): ImageFile {
  let image: RasterImage;
  try {
    image = decodeBmp(bytes, limits.pixels);
  } catch (cause) {
    throw unreadable(where, cause);
  }
  return onePicture("BMP", eightBit(image), where, limits);
}

function onePicture(format: string, image: SourceImage, where: string, limits: DecodeLimits): ImageFile {
  const read = async () => image;
  const { width, height, channels } = image;
  return {
    format,
    count: () => 1,
    read,
    array: () => stack(1, read, where, limits),
    header: { width, height, channels },
  };
}

interface DecodePlan {
  whiteIsZero: boolean;
  alpha: AlphaRule;
  /** What stands behind transparent pixels, where libvips does not tell. */
  hidden: readonly [number, number, number] | undefined;
}

async function decode(
  load: () => Sharp,
  metadata: Metadata,
  { whiteIsZero, alpha, hidden }: DecodePlan,
): Promise<SourceImage> {
  const { depth, space, channels, hasAlpha } = metadata;
  const type = SAMPLE_TYPES[depth];
  if (!type) throw new Error(`samples of type ${depth}`);
  const oriented = load().autoOrient();
  if (type !== "uint8" && type !== "uint16") {
    // Into its own space, or libvips would cut values off.
    const kept = hasAlpha ? oriented.removeAlpha() : oriented;
    const { data, info } = await kept.toColourspace(space).raw({ depth }).toBuffer({ resolveWithObject: true });
    return measured({ ...info, channels: greyOrRgb(info.channels), values: viewAs(type, data) }, whiteIsZero);
  }
  const wide = type === "uint16";
  const grey = channels - Number(hasAlpha) === 1 && (space === "b-w" || space === "grey16");
  const target = grey ? (wide ? "grey16" : "b-w") : wide ? "rgb16" : "srgb";
  const opaque = !hasAlpha
    ? oriented
    : hidden
      ? oriented.flatten({ background: { r: hidden[0], g: hidden[1], b: hidden[2] } })
      : alpha === "drop"
        ? oriented.removeAlpha()
        : oriented.flatten({ background: alpha });
  const inks = space === "cmyk";
  const asked = inks ? opaque.pipelineColourspace(space).toColourspace(space) : opaque.toColourspace(target);
  const { data, info } = await asked.raw({ depth }).toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const white = wide ? 65_535 : 255;
  const levels: SourceImage["levels"] = [0, white];
  const values = viewAs(type, data);
  if (inks) {
    if (info.channels !== 4) throw new Error(`${info.channels} inks`);
    const colours = inksToRgb(values as Uint8Array | Uint16Array, white);
    return { width, height, channels: 3, values: colours, windows: [], inverted: false, levels };
  }
  return { width, height, channels: greyOrRgb(info.channels), values, windows: [], inverted: false, levels };
}

function greyOrRgb(channels: number): 1 | 3 {
  if (channels !== 1 && channels !== 3) throw new Error(`${channels} channels`);
  return channels;
}

/** A picture of values that are no levels of their type. */
function measured({ width, height, channels, values }: TiffSamples, inverted: boolean): SourceImage {
  const levels = channels === 3 ? unitLevels(values) : undefined;
  return { width, height, channels, values, windows: [], inverted, levels };
}

function eightBit({ width, height, channels, pixels }: RasterImage): SourceImage {
  return { width, height, channels, values: pixels, windows: [], inverted: false, levels: [0, 255] };
}

/** All pictures as one array: [h, w], [h, w, 3], or with the number of pages in front. */
async function stack(
  pages: number,
  read: (page: number) => Promise<SourceImage>,
  where: string,
  limits: DecodeLimits,
): Promise<StoredArray> {
  const first = await read(0);
  const { width, height, channels } = first;
  const shape = channels === 1 ? [height, width] : [height, width, 3];
  const dtype = typeNameOf(first.values);
  if (pages === 1) return { shape, dtype, data: first.values };

  const length = first.values.length;
  const bytes = pages * first.values.byteLength;
  if (bytes > limits.decodedBytes) {
    throw overLimit(where, `at most ${limits.decodedBytes} bytes of pixels`, `${pages} pages of ${bytes} bytes`);
  }
  const data: NumericArray = newArray(dtype, pages * length);
  for (let page = 0; page < pages; page++) {
    const { values, ...rest } = page === 0 ? first : await read(page);
    const same = rest.width === width && rest.height === height && rest.channels === channels;
    if (!same || typeNameOf(values) !== dtype) {
      const got = `${rest.width}×${rest.height}×${rest.channels} ${typeNameOf(values)}`;
      throw unreadable(`${where}, page ${page}`, new Error(`${got} after ${width}×${height}×${channels} ${dtype}`));
    }
    data.set(values, page * length);
  }
  return { shape: [pages, ...shape], dtype, data };
}

function headerOf(metadata: Metadata): Record<string, unknown> {
  const { width, height, channels, depth, space, hasAlpha, pages, orientation, compression, bitsPerSample } = metadata;
  const known = { width, height, channels, depth, space, hasAlpha, pages, orientation, compression, bitsPerSample };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}
