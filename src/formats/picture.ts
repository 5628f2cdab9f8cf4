import { decodeBmp } from "./bmp.ts";
import { checkPictureClaim } from "./claims.ts";
import { overLimit, unreadable } from "./decode-error.ts";
import { transparentColour } from "./gif.ts";
import { decodePlainJpeg } from "./jpeg.ts";
import type { DecodeLimits } from "./limits.ts";
import type { PictureFormat, PictureSamples } from "./picture-decoder.ts";
import type { FormatPorts } from "./ports.ts";
import type { RasterImage } from "./raster.ts";
import type { AlphaRule, ImageFile, NumericArray, SourceImage, StoredArray } from "./source-image.ts";
import { unitLevels } from "./statistics.ts";
import { readTiffSamples } from "./tiff.ts";
import { readTiffPages, type TiffPage } from "./tiff-directory.ts";
import { newArray, typeNameOf } from "./typed-arrays.ts";

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
  { pictures, jpeg, inflater }: FormatPorts,
): Promise<ImageFile> {
  try {
    checkPictureClaim(bytes, format);
  } catch (cause) {
    throw unreadable(where, cause);
  }
  const plain = format === "JPEG" && jpeg ? await decodePlainJpeg(bytes, limits.pixels, jpeg) : undefined;
  if (plain) return onePicture("JPEG", plain, where, limits);
  const directory = format === "TIFF" ? tiffDirectory(bytes, limits) : [];
  const own = (page: number) => {
    const found = directory[page];
    return found && !pictures.prefersTiff(found, alpha) ? found : undefined;
  };
  const opened = async (page: number) => pictures.open(bytes, format, page, limits.pixels);
  const ownFirst = own(0);
  const first = ownFirst
    ? undefined
    : await opened(0).catch((cause) => {
        throw unreadable(where, cause);
      });
  const pages = format === "TIFF" ? (first?.pages ?? directory.length) : 1;
  if (pages > limits.frames) throw overLimit(where, `at most ${limits.frames} pages`, `${pages}`);

  const read = async (page: number): Promise<SourceImage> => {
    try {
      const entry = directory[page];
      if (entry) checkColours(entry);
      const whiteIsZero = entry?.photometric === 0;
      const samples = own(page);
      if (samples) return shown(readTiffSamples(bytes, samples, limits, inflater), whiteIsZero);
      const picture = page === 0 && first ? first : await opened(page);
      const hidden = format === "GIF" && alpha === "drop" ? transparentColour(bytes) : undefined;
      return shown(await picture.decode({ alpha, hidden }), whiteIsZero);
    } catch (cause) {
      throw unreadable(pages > 1 ? `${where}, page ${page}` : where, cause);
    }
  };
  const header = first?.header ?? { ...tiffHeader(ownFirst as TiffPage), pages };
  return { format, count: () => pages, read, array: () => stack(pages, read, where, limits), header };
}

// What the directory cannot make sense of, the decoder of pictures may; and libvips names faults better.
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

/** 8 and 16 unsigned bits are levels, black first; what is stored the other way round is turned by its reader. */
function shown({ width, height, channels, values }: PictureSamples, whiteIsZero: boolean): SourceImage {
  const size = { width, height, channels, values, windows: [] };
  if (values instanceof Uint8Array) return { ...size, inverted: false, levels: [0, 255] };
  if (values instanceof Uint16Array) return { ...size, inverted: false, levels: [0, 65_535] };
  return { ...size, inverted: whiteIsZero, levels: channels === 3 ? unitLevels(values) : undefined };
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
