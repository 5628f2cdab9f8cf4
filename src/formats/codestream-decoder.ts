import type { CodestreamHeader } from "./codestream.ts";

/** The codecs of baseline, extended and lossless JPEG, JPEG-LS, JPEG 2000 and HTJ2K. */
export interface CodestreamDecoder {
  /**
   * @param header what the codestream says of itself.
   * @param container bits in which each sample is given.
   * @returns bytes of the samples alone, [height, width, components] in this machine's order; JPEG-LS that is coded plane
   * by plane, [components, height, width].
   * @throws DamagedCodestream where the codestream cannot be decoded; others where the codecs cannot be had.
   */
  decode(bytes: Uint8Array, header: CodestreamHeader, container: 8 | 16 | 32): Promise<Uint8Array<ArrayBuffer>>;
}

/** `cause` is what the codec made of it. */
export class DamagedCodestream extends Error {}
