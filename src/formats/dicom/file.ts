import { messageOf } from "../../support/errors.ts";
import { type Inflater, UnpacksTooFar } from "../inflater.ts";
import type { DataSet, Element } from "./data-set.ts";
import { dataError } from "./errors.ts";
import { parseDataSet } from "./parse.ts";
import {
  EXPLICIT_BIG,
  EXPLICIT_LITTLE,
  IMPLICIT_LITTLE,
  type TransferSyntax,
  transferSyntaxOf,
} from "./transfer-syntax.ts";

/** A file's elements and what its beginning says about them. */
export interface DicomFile {
  /** Group 0002; undefined where the file has none. */
  meta: DataSet | undefined;
  dataSet: DataSet;
  /** UID as the file gives it; undefined where it was guessed. */
  syntaxUid: string | undefined;
  syntax: TransferSyntax | undefined;
  /** The element that the file ends within, if it does. */
  cut: Element | undefined;
  /** Position behind the last element read, within the data set's own bytes. */
  end: number;
  deflated: boolean;
}

export interface ParseOptions {
  inflater: Inflater;
  /** Elements from this tag on are left alone. */
  until?: number;
  /** Of a deflated data set. */
  decodedBytes: number;
  /** The bytes are the beginning of a longer file. */
  partial?: boolean;
}

const PREAMBLE_BYTES = 128;
const META_GROUP = 0x0002;
const BEHIND_META = 0x00030000;

/** Whether the beginning of a file (132 bytes are enough) is that of a DICOM file, with or without preamble. */
export function looksLikeDicom(head: Uint8Array): boolean {
  return datasetStart(head) !== undefined;
}

/**
 * Reads the elements of a file: with preamble and file meta information, or without either.
 *
 * @throws MsmaeError Data where the bytes are no DICOM file, or their data set cannot be inflated within the limit.
 */
export function parseFile(bytes: Uint8Array, where: string, options: ParseOptions): DicomFile {
  const start = datasetStart(bytes);
  if (start === undefined) {
    throw dataError(where, "a DICOM file", describeStart(bytes), "remove the file, or store it as DICOM");
  }
  const { until } = options;
  const encoding = { explicit: true, littleEndian: true };
  const meta = parseDataSet(bytes, start, bytes.length, encoding, { until: BEHIND_META });
  const hasMeta = meta.dataSet.elements.size > 0;
  const dataStart = hasMeta ? meta.end : start;
  const syntaxUid = hasMeta ? meta.dataSet.string("TransferSyntaxUID") : undefined;
  const declared = syntaxUid === undefined ? undefined : transferSyntaxOf(syntaxUid);
  let syntax = declared;
  if (!declared?.deflated) {
    // What is written there counts more than what is said: files whose elements contradict their syntax are common.
    const seen = guessSyntax(bytes, dataStart);
    if (syntaxUid === undefined) syntax = seen ?? IMPLICIT_LITTLE;
    const told = syntax ?? EXPLICIT_LITTLE;
    const { explicit, littleEndian } = seen ?? told;
    const parsed = parseDataSet(bytes, dataStart, bytes.length, { explicit, littleEndian }, { until });
    const cut = parsed.cut ?? meta.cut;
    const { dataSet, end } = parsed;
    return { meta: hasMeta ? meta.dataSet : undefined, dataSet, syntaxUid, syntax, cut, end, deflated: false };
  }
  const inflated = inflate(bytes.subarray(dataStart), where, options);
  const parsed = parseDataSet(inflated, 0, inflated.length, encoding, { until });
  const { dataSet, end, cut } = parsed;
  return { meta: meta.dataSet, dataSet, syntaxUid, syntax, cut, end, deflated: true };
}

/** Undoes raw deflate; `partial` gives what the bytes at hand yield. */
export function inflate(
  bytes: Uint8Array,
  where: string,
  { inflater, decodedBytes, partial = false }: Pick<ParseOptions, "inflater" | "decodedBytes" | "partial">,
): Uint8Array {
  try {
    return inflater.inflate(bytes, { wrap: "raw", limit: decodedBytes, partial });
  } catch (cause) {
    const tooLong = cause instanceof UnpacksTooFar;
    const got = tooLong ? `more than ${decodedBytes} bytes after inflating` : messageOf(cause);
    const todo = tooLong ? "raise the limit if the file is trusted" : "fetch the file again";
    throw dataError(where, "deflated DICOM data", got, todo, cause);
  }
}

// Where the first element lies; undefined for bytes that are no DICOM file.
function datasetStart(bytes: Uint8Array): number | undefined {
  if (hasMagic(bytes, PREAMBLE_BYTES)) return PREAMBLE_BYTES + 4;
  if (hasMagic(bytes, 0)) return 4;
  return startsWithElement(bytes) ? 0 : undefined;
}

function hasMagic(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x44 && bytes[at + 1] === 0x49 && bytes[at + 2] === 0x43 && bytes[at + 3] === 0x4d;
}

// Data sets without preamble start in group 2 (file meta information) or group 8, in any of the three encodings.
function startsWithElement(bytes: Uint8Array): boolean {
  if (bytes.length < 16) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = view.getUint16(0, true);
  const big = view.getUint16(0, false);
  if (isVr(bytes, 4)) return little === META_GROUP || little === 0x0008 || big === 0x0008;
  // Without a representation only a plausible length tells: first elements are short.
  const element = view.getUint16(2, true);
  const length = view.getUint32(4, true);
  return (little === META_GROUP || little === 0x0008) && element <= 0x0070 && length > 0 && length <= 256;
}

const VRS = new Set(
  "AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split(" "),
);

function isVr(bytes: Uint8Array, at: number): boolean {
  return VRS.has(String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0));
}

function isUpper(code = 0): boolean {
  return code >= 0x41 && code <= 0x5a;
}

// The encoding that the first element shows; undefined where there is none.
function guessSyntax(bytes: Uint8Array, at: number): TransferSyntax | undefined {
  if (at + 8 > bytes.length) return undefined;
  // Groups before 0x0100 come first in every data set but a few private ones; the order of their bytes shows.
  const bigEndian = bytes[at] === 0 && bytes[at + 1] !== 0;
  // Unknown representations are letters all the same, and no first element is so long that its length looks like them.
  if (isUpper(bytes[at + 4]) && isUpper(bytes[at + 5])) return bigEndian ? EXPLICIT_BIG : EXPLICIT_LITTLE;
  return bigEndian ? undefined : IMPLICIT_LITTLE;
}

function describeStart(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const head = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${bytes.length} bytes that start with ${head}`;
}
