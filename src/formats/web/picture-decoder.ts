import { hasJpegEnd, readCodestreamHeader } from "../codestream.ts";
import type { OpenedPicture, PictureDecoder, TransparencyPlan } from "../picture-decoder.ts";
import type { TiffPage } from "../tiff-directory.ts";
import { pictureSize } from "./picture-size.ts";

const MIME = { PNG: "image/png", JPEG: "image/jpeg", WebP: "image/webp", GIF: "image/gif" } as const;

/**
 * The browser's decoder, by way of a canvas, which keeps colours of opaque pixels as they are. What would not come out
 * as libvips has it is refused: more than 8 bits, inks, and colours behind or within transparency, which a canvas loses.
 */
export const pagePictures: PictureDecoder = {
  prefersTiff: (page, alpha) => {
    checkTransparency(page, alpha !== "drop");
    return false;
  },
  open: async (bytes, format, _page, mostPixels): Promise<OpenedPicture> => {
    if (format === "TIFF") throw new Error("a TIFF file whose directory makes no sense");
    const { width, height, channels } = headerOf(bytes, format);
    if (width * height > mostPixels) throw new Error("Input image exceeds pixel limit");
    return {
      pages: 1,
      header: { width, height, channels },
      decode: async (plan) => {
        const { data, ...size } = await drawn(bytes, MIME[format]);
        return { ...size, channels, values: withoutAlpha(data, channels, plan) };
      },
    };
  },
};

const PREMULTIPLIED = 1;

function checkTransparency({ extra, samples, photometric, bits, sampleFormat }: TiffPage, laidOver: boolean): void {
  if (samples <= (photometric === 2 ? 3 : 1)) return;
  if (extra[0] === PREMULTIPLIED) throw new Error("a TIFF of premultiplied colours, which a page does not read");
  if (laidOver && sampleFormat === 1 && bits <= 16) {
    throw new Error("a TIFF with transparency to be laid over a colour, which a page does not do");
  }
}

const GREY_PNG = new Set([0, 4]);

function headerOf(bytes: Uint8Array, format: keyof typeof MIME): { width: number; height: number; channels: 1 | 3 } {
  if (format === "JPEG") {
    const header = readCodestreamHeader(bytes);
    if (header?.kind !== "jpeg8") throw new Error(`a JPEG file of kind ${header?.kind ?? "unknown"}`);
    const { width, height, components } = header;
    if (components !== 1 && components !== 3)
      throw new Error(`a JPEG file of ${components} inks, which a page does not read`);
    // Browsers fill up what is missing.
    if (!hasJpegEnd(bytes)) throw new Error("a JPEG file cut short");
    return { width, height, channels: components };
  }
  const size = pictureSize(bytes, format);
  if (!size) throw new Error(`a ${format} file without a header`);
  if (format === "PNG" && (bytes[24] as number) > 8) {
    throw new Error(`a PNG file of ${bytes[24]} bits, of which a page reads 8`);
  }
  return { ...size, channels: format === "PNG" && GREY_PNG.has(bytes[25] as number) ? 1 : 3 };
}

/** RGBA as the canvas has it. */
async function drawn(
  bytes: Uint8Array,
  type: string,
): Promise<{ width: number; height: number; data: Uint8ClampedArray }> {
  const file = new Blob([bytes as Uint8Array<ArrayBuffer>], { type });
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no canvas to decode the picture on");
    context.drawImage(bitmap, 0, 0);
    return { width, height, data: context.getImageData(0, 0, width, height).data };
  } finally {
    bitmap.close();
  }
}

const OVER = { black: [0, 0, 0], white: [255, 255, 255] } as const;

function withoutAlpha(rgba: Uint8ClampedArray, channels: 1 | 3, { alpha, hidden }: TransparencyPlan): Uint8Array {
  const behind = hidden ?? (alpha === "drop" ? undefined : OVER[alpha]);
  const values = new Uint8Array((rgba.length / 4) * channels);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += channels) {
    const opacity = rgba[from + 3] as number;
    if (opacity !== 255 && (opacity !== 0 || !behind)) {
      throw new Error("transparent pixels, whose colours a page cannot read, or a picture cut short");
    }
    for (let channel = 0; channel < channels; channel++) {
      values[to + channel] = opacity === 255 ? (rgba[from + channel] as number) : (behind?.[channel] as number);
    }
  }
  return values;
}
