/** What the header of a JPEG family codestream says; read before any decoder allocates memory for it. */
export interface CodestreamHeader {
  kind: "jpeg8" | "jpeg12" | "jpeg-lossless" | "jpeg-ls" | "jpeg2000" | "htj2k";
  width: number;
  height: number;
  components: number;
  precision: number;
  /** Component identifiers, of JPEG and JPEG-LS. */
  ids: number[];
  /** Whether an application marker says that three components are YCbCr. */
  jfif: boolean;
  /** Whether every component has a scan of its own. */
  separateScans: boolean;
  /** Bytes below which the picture cannot be coded, whatever it shows: codes take a bit at least. */
  leastBytes: number;
}

/**
 * Where the codestream begins: behind the boxes of a JP2 file, which some writers leave around it; undefined where
 * there is none.
 */
export function codestreamStart(bytes: Uint8Array): number | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 0;
  if (bytes[0] === 0xff && bytes[1] === 0x4f && bytes[2] === 0xff && bytes[3] === 0x51) return 0;
  return undefined;
}

/** The codestream of a frame, without a JP2 file's boxes around it. */
export function withoutBoxes(bytes: Uint8Array): Uint8Array {
  // Signature box: length 12, type "jP  ".
  if (bytes.length < 12 || bytes[4] !== 0x6a || bytes[5] !== 0x50 || bytes[6] !== 0x20 || bytes[7] !== 0x20)
    return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 8 <= bytes.length) {
    const length = view.getUint32(at);
    if (view.getUint32(at + 4) === 0x6a703263) return bytes.subarray(at + (length === 1 ? 16 : 8));
    // 0: to the end of the file; 1: a 64-bit length, which no box before the codestream needs.
    if (length < 8) break;
    at += length;
  }
  return bytes;
}

/**
 * Whether a JPEG codestream's end is there. Decoders fill up what is missing of a picture with grey, so nothing else
 * tells; the marker cannot stand within coded data, and padding may follow it.
 */
export function hasJpegEnd(bytes: Uint8Array): boolean {
  for (let at = bytes.length - 2; at >= 0; at--) {
    if (bytes[at] === 0xff && bytes[at + 1] === END) return true;
    if (bytes[at] === 0xff && bytes[at + 1] === SCAN) return false;
  }
  return false;
}

/** Reads a codestream's header; undefined where the bytes are none, or end before it does. */
export function readCodestreamHeader(bytes: Uint8Array): CodestreamHeader | undefined {
  if (codestreamStart(bytes) === undefined) return undefined;
  return bytes[1] === 0xd8 ? readJpeg(bytes) : readJpeg2000(bytes);
}

const JPEG_KINDS: Record<number, CodestreamHeader["kind"]> = {
  192: "jpeg8",
  193: "jpeg8",
  194: "jpeg8",
  195: "jpeg-lossless",
  247: "jpeg-ls",
};

/**
 * Bits that a pixel takes at least: in lossless JPEG one for each sample; else one for a block of 8×8, of which the
 * components together have at least one for every four that the picture would have.
 */
const LEAST_BITS: Partial<Record<CodestreamHeader["kind"], number>> = { jpeg8: 1 / 256, "jpeg-lossless": 1 };

const END = 0xd9;
const SCAN = 0xda;

// Source: ITU-T T.81 annex B; T.87 annex C.
function readJpeg(bytes: Uint8Array): CodestreamHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let jfif = false;
  let frame: CodestreamHeader | undefined;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const length = view.getUint16(at + 2);
    const kind = JPEG_KINDS[marker];
    if (marker === SCAN && frame) {
      frame.separateScans = frame.components > 1 && bytes[at + 4] === 1;
      return frame;
    }
    if (kind) {
      if (at + 10 > bytes.length) return undefined;
      const components = bytes[at + 9] as number;
      if (at + 10 + components * 3 > bytes.length) return undefined;
      const precision = bytes[at + 4] as number;
      const [width, height] = [view.getUint16(at + 7), view.getUint16(at + 5)];
      frame = {
        kind: kind === "jpeg8" && precision === 12 ? "jpeg12" : kind,
        width,
        height,
        components,
        precision,
        ids: Array.from({ length: components }, (_, index) => bytes[at + 10 + index * 3] as number),
        jfif,
        separateScans: false,
        leastBytes: Math.floor((width * height * (LEAST_BITS[kind] ?? 0)) / 8),
      };
    }
    // A scan or an end without a frame: one of a kind that no transfer syntax has.
    if (marker === SCAN || marker === END || length < 2) return undefined;
    if (marker === 0xe0 && startsWith(bytes, at + 4, "JFIF")) jfif = true;
    at += 2 + length;
  }
  return undefined;
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  return [...text].every((letter, index) => bytes[at + index] === letter.charCodeAt(0));
}

// Source: ITU-T T.800 A.5.1 (SIZ); T.814 A.2 (capabilities: bit 14 of Rsiz).
function readJpeg2000(bytes: Uint8Array): CodestreamHeader | undefined {
  if (bytes.length < 43) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tiles = axisTiles(view, 8) * axisTiles(view, 12);
  // The standard's own bound; a decoder would take memory for every one.
  if (!(tiles >= 1 && tiles <= 65_535)) return undefined;
  const components = view.getUint16(40);
  if (components === 0 || 42 + components * 3 > bytes.length) return undefined;
  // Components of fewer samples than pixels, and tiles that begin behind the picture, are no part of any transfer
  // syntax; some decoders never come to an end of them.
  for (let at = 0; at < components; at++) if (bytes[43 + at * 3] !== 1 || bytes[44 + at * 3] !== 1) return undefined;
  if (view.getUint32(32) > view.getUint32(16) || view.getUint32(36) > view.getUint32(20)) return undefined;
  const depth = bytes[42] as number;
  const [width, height] = [view.getUint32(8) - view.getUint32(16), view.getUint32(12) - view.getUint32(20)];
  return {
    kind: (view.getUint16(6) & 0x4000) !== 0 ? "htj2k" : "jpeg2000",
    width,
    height,
    components,
    precision: (depth & 0x7f) + 1,
    ids: [],
    jfif: false,
    separateScans: false,
    leastBytes: 0,
  };
}

// Tiles along an axis whose extent stands at a position; its tile size and the tiles' offset follow 16 bytes apart.
function axisTiles(view: DataView, at: number): number {
  return Math.ceil((view.getUint32(at) - view.getUint32(at + 24)) / view.getUint32(at + 16));
}
