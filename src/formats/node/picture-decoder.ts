import { setTimeout } from "node:timers/promises";
import type { Metadata, Sharp } from "sharp";
import { messageOf } from "../../support/errors.ts";
import { inksToRgb } from "../cmyk.ts";
import type { PictureDecoder, PictureSamples, TransparencyPlan } from "../picture-decoder.ts";
import { cutByLibvips } from "../tiff.ts";
import { type NumericType, viewAs } from "../typed-arrays.ts";

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

/** libvips, loaded with the first picture: the main thread leaves reading to others, and most files tell what they hold. */
export const nodePictures: PictureDecoder = {
  prefersTiff: (page) => !cutByLibvips(page),
  open: async (bytes, format, page, mostPixels) => {
    const { default: sharp } = await import("sharp");
    const pages = format === "TIFF" ? { page } : {};
    const load = () => sharp(bytes, { failOn: "error", limitInputPixels: mostPixels, ignoreIcc: true, ...pages });
    const metadata = await withReason(() => load().metadata());
    return {
      pages: metadata.pages,
      header: headerOf(metadata),
      decode: (plan) => withReason(() => decode(load, metadata, plan)),
    };
  },
};

/** What sharp says where libvips left no text. */
const noReason = "Unknown error";
const mostTries = 20;

/**
 * libvips has one text of errors for the whole process: of two pictures that fail at the same moment, one may take what was
 * said of both. The one without is asked again, a little later each time.
 */
async function withReason<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === mostTries || messageOf(error) !== noReason) throw error;
      await setTimeout(tries);
    }
  }
}

async function decode(
  load: () => Sharp,
  metadata: Metadata,
  { alpha, hidden }: TransparencyPlan,
): Promise<PictureSamples> {
  const { depth, space, channels, hasAlpha } = metadata;
  const type = SAMPLE_TYPES[depth];
  if (!type) throw new Error(`samples of type ${depth}`);
  const oriented = load().autoOrient();
  if (type !== "uint8" && type !== "uint16") {
    // Into its own space, or libvips would cut values off.
    const kept = hasAlpha ? oriented.removeAlpha() : oriented;
    const { data, info } = await kept.toColourspace(space).raw({ depth }).toBuffer({ resolveWithObject: true });
    return { ...sizeOf(info), channels: greyOrRgb(info.channels), values: viewAs(type, data) };
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
  const values = viewAs(type, data);
  if (!inks) return { ...sizeOf(info), channels: greyOrRgb(info.channels), values };
  if (info.channels !== 4) throw new Error(`${info.channels} inks`);
  const colours = inksToRgb(values as Uint8Array | Uint16Array, wide ? 65_535 : 255);
  return { ...sizeOf(info), channels: 3, values: colours };
}

function sizeOf({ width, height }: { width: number; height: number }): { width: number; height: number } {
  return { width, height };
}

function greyOrRgb(channels: number): 1 | 3 {
  if (channels !== 1 && channels !== 3) throw new Error(`${channels} channels`);
  return channels;
}

function headerOf(metadata: Metadata): Record<string, unknown> {
  const { width, height, channels, depth, space, hasAlpha, pages, orientation, compression, bitsPerSample } = metadata;
  const known = { width, height, channels, depth, space, hasAlpha, pages, orientation, compression, bitsPerSample };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}
