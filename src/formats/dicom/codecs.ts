import { messageOf } from "../../support/errors.ts";
import { type CodestreamHeader, hasJpegEnd, readCodestreamHeader, withoutBoxes } from "../codestream.ts";
import { type CodestreamDecoder, DamagedCodestream } from "../codestream-decoder.ts";
import type { NumericArray } from "../source-image.ts";
import { dataError } from "./errors.ts";
import type { ImageInfo } from "./image-info.ts";
import { interleave } from "./samples.ts";

/** A frame as its codestream gives it. */
export interface DecodedFrame {
  /** [rows, columns, components], 8 or 16 bits or, above 16 bits of precision, 32. */
  values: NumericArray;
  header: CodestreamHeader;
}

const JPEG_KINDS = new Set(["jpeg8", "jpeg12", "jpeg-lossless"]);

/**
 * Decodes a frame of the JPEG family: baseline, extended (12 bits), lossless, JPEG-LS, JPEG 2000 and HTJ2K. The
 * codestream's own header decides how; it has to agree with the file about the size of the picture.
 *
 * @throws MsmaeError Data where the codestream is damaged, or holds a picture of another size.
 */
export async function decodeCodestream(
  frame: Uint8Array,
  info: ImageInfo,
  where: string,
  decoder: CodestreamDecoder,
): Promise<DecodedFrame> {
  const bytes = withoutBoxes(frame);
  const header = readCodestreamHeader(bytes);
  if (!header) {
    const start = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    throw dataError(where, "a JPEG, JPEG-LS or JPEG 2000 codestream", `bytes ${start} …`, "fetch the file again");
  }
  const { width, height, components, precision } = header;
  if (width !== info.columns || height !== info.rows || components !== info.samples) {
    const expected = `a codestream of ${info.columns} × ${info.rows} pixels of ${info.samples} samples`;
    throw dataError(where, expected, `${width} × ${height} of ${components}`, "repair or remove the file");
  }
  if (bytes.length < header.leastBytes) {
    const expected = `at least ${header.leastBytes} bytes of ${header.kind} for ${width} × ${height} pixels`;
    throw dataError(where, expected, `${bytes.length}`, "fetch the file again");
  }
  if (precision < 1 || precision > 32) throw dataError(where, "1 to 32 bits", `${precision}`, "repair the file");
  if (JPEG_KINDS.has(header.kind) && !hasJpegEnd(bytes)) {
    throw dataError(where, `the end of ${header.kind} pixel data`, "a codestream cut short", "fetch the file again");
  }
  const container = precision <= 8 ? 8 : precision <= 16 ? 16 : 32;
  try {
    const decoded = (await decoder.decode(bytes, header, container)).buffer;
    const values =
      container === 8
        ? new Uint8Array(decoded)
        : container === 16
          ? new Uint16Array(decoded)
          : new Uint32Array(decoded);
    // Only JPEG-LS is left plane by plane, where it is coded so.
    const planar = header.kind === "jpeg-ls" && header.separateScans;
    return { values: planar ? interleave(values, components) : values, header };
  } catch (cause) {
    if (!(cause instanceof DamagedCodestream)) throw cause;
    const got = cause.cause instanceof WebAssembly.RuntimeError ? "a damaged codestream" : messageOf(cause.cause);
    throw dataError(where, `${header.kind} pixel data`, got, "fetch the file again", cause.cause);
  }
}
