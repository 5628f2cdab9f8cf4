import sharp, { type Metadata, type OutputInfo, type Sharp } from "sharp";
import type { RasterImage } from "../raster.ts";
import { decodeBmp } from "./bmp.ts";
import { overLimit, unreadable } from "./decode-error.ts";
import type { DecodeLimits, ImageFile, NumericArray, SourceImage, StoredArray } from "./source-image.ts";
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
 * EXIF orientation is applied, palettes are expanded, transparency is composited onto black (and cut off from samples
 * that are no 8- or 16-bit levels), and embedded colour profiles are ignored: the stored values count, as in Pillow.
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
): Promise<ImageFile> {
  const load = (page: number) => {
    const pages = format === "TIFF" ? { page } : {};
    return sharp(bytes, { failOn: "error", limitInputPixels: limits.pixels, ignoreIcc: true, ...pages });
  };
  const first = await load(0)
    .metadata()
    .catch((cause) => {
      throw unreadable(where, cause);
    });
  const pages = format === "TIFF" ? (first.pages ?? 1) : 1;
  if (pages > limits.frames) throw overLimit(where, `at most ${limits.frames} pages`, `${pages}`);

  const read = async (page: number): Promise<SourceImage> => {
    try {
      const metadata = page === 0 ? first : await load(page).metadata();
      return await decode(() => load(page), metadata);
    } catch (cause) {
      throw unreadable(pages > 1 ? `${where}, page ${page}` : where, cause);
    }
  };
  return { format, count: () => pages, read, array: () => stack(pages, read, where, limits), header: headerOf(first) };
}

/** Opens a Windows bitmap. @throws MsmaeError Data as {@link openPicture}. */
export function openBmp(bytes: Uint8Array, where: string, limits: DecodeLimits): ImageFile {
  let image: RasterImage;
  try {
    image = decodeBmp(bytes, limits.pixels);
  } catch (cause) {
    throw unreadable(where, cause);
  }
  const read = async () => eightBit(image);
  const { width, height, channels } = image;
  return {
    format: "BMP",
    count: () => 1,
    read,
    array: () => stack(1, read, where, limits),
    header: { width, height, channels },
  };
}

async function decode(load: () => Sharp, metadata: Metadata): Promise<SourceImage> {
  const { depth, space, channels, hasAlpha } = metadata;
  const type = SAMPLE_TYPES[depth];
  if (!type) throw new Error(`samples of type ${depth}`);
  const depthOfLevels = type === "uint8" || type === "uint16";
  const colours = channels - Number(hasAlpha);
  const oriented = load().autoOrient();
  if (depthOfLevels) {
    const wide = type === "uint16";
    const grey = colours === 1 && (space === "b-w" || space === "grey16");
    const target = grey ? (wide ? "grey16" : "b-w") : wide ? "rgb16" : "srgb";
    const opaque = hasAlpha ? oriented.flatten({ background: "black" }) : oriented;
    return toSource(await opaque.toColourspace(target).raw({ depth }).toBuffer({ resolveWithObject: true }), type);
  }
  throw new Error(`samples of type ${depth}`);
}

function toSource({ data, info }: { data: Buffer; info: OutputInfo }, type: NumericType): SourceImage {
  const { width, height, channels } = info;
  if (channels !== 1 && channels !== 3) throw new Error(`${channels} channels`);
  const values = viewAs(type, data);
  const levels: SourceImage["levels"] = type === "uint8" ? [0, 255] : type === "uint16" ? [0, 65_535] : undefined;
  return { width, height, channels, values, windows: [], inverted: false, levels };
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
