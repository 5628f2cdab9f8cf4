import { FileTooLarge, readRegular } from "../../support/files/regular-file.ts";
import { overLimit, unreadable } from "../decode-error.ts";
import { DEFAULT_LIMITS, type DecodeLimits } from "../limits.ts";
import { openImageBytes } from "../open-image-bytes.ts";
import type { AlphaRule, ImageFile } from "../source-image.ts";
import { firstFile } from "./pair-files.ts";
import { nodePorts } from "./ports.ts";

/**
 * Opens an image file of any format, as {@link openImageBytes}; the other half of an Analyze or NIfTI pair is looked for
 * beside it.
 *
 * @param limits what the file may ask for at most; the defaults stand for what is not given.
 * @param alpha what becomes of the transparency of PNG, WebP, GIF and TIFF; that of other formats is dropped.
 * @throws MsmaeError Data when the file cannot be read, is of no known format, or asks for more than the limits allow.
 */
export async function openImageFile(
  path: string,
  limits: Partial<DecodeLimits> = {},
  alpha: AlphaRule = "drop",
): Promise<ImageFile> {
  const { fileBytes } = { ...DEFAULT_LIMITS, ...limits };
  const beside = async (paths: readonly string[]) => {
    const name = await firstFile(paths);
    return name === undefined ? undefined : { name, read: () => readBounded(name, fileBytes) };
  };
  try {
    return await openImageBytes(await readBounded(path, fileBytes), { name: path, limits, alpha, beside }, nodePorts);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readBounded(path: string, fileBytes: number): Promise<Uint8Array> {
  try {
    return await readRegular(path, fileBytes);
  } catch (error) {
    throw error instanceof FileTooLarge ? overLimit(path, error.expected, error.got) : error;
  }
}
