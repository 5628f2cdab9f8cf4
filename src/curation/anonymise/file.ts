import { deflateRawSync } from "node:zlib";
import type { AnonymiseOption } from "../../config/verbs/data-anonymise.ts";
import type { DicomFile } from "../../formats/dicom/file.ts";
import {
  EXPLICIT_BIG,
  EXPLICIT_LITTLE,
  IMPLICIT_LITTLE,
  type TransferSyntax,
} from "../../formats/dicom/transfer-syntax.ts";
import { parseFile } from "../../formats/node/dicom.ts";
import { MsmaeError } from "../../support/errors.ts";
import { type WrittenElement, writeElement, writeSequence } from "./encoding.ts";
import { type Identity, identityOf, remainingRisks } from "./identity.ts";
import { BASIC_PROFILE_CODE, type Code, OPTION_CODES } from "./profile.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import { type Rewriting, rewrite } from "./rewrite.ts";
import { padded, textOf, uidBytes } from "./values.ts";

/** A UID of this package, derived from a UUID drawn once. */
const IMPLEMENTATION_UID = "2.25.300568407210672895799614818711250491100";
const DIRECTORY_CLASS = "1.2.840.10008.1.3.10";
const PREAMBLE_BYTES = 128;
const PIXEL_DATA = 0x7fe00010;
/** Zeros that some writers put behind the last element. */
const MAX_PADDING = 4096;

/** A file without identity. */
export interface AnonymisedFile {
  /** The file's bytes, in order. */
  chunks: Uint8Array[];
  /** Of the original: for names of folders and files, which are made from its hash. */
  identity: Identity;
  /** The SOP Instance UID that the file now has. */
  sopInstance: string;
  risks: string[];
  /** Tags of kept attributes whose text named the patient, and was replaced. */
  revealing: number[];
}

/** Options of rewriting a file. */
export interface FileOptions {
  options: ReadonlySet<AnonymiseOption>;
  pseudonyms: Pseudonyms;
  /** Bound of a deflated data set, in bytes. */
  decodedBytes: number;
}

/**
 * Takes a DICOM file's identity away by the standard's basic profile and options.
 *
 * @returns undefined for a DICOMDIR, which cannot do without names of files.
 * @throws MsmaeError Data for bytes that are no DICOM file, or that cannot be read to their end.
 * Source: DICOM PS3.15, annex E.
 */
export function anonymiseBytes(bytes: Uint8Array, where: string, given: FileOptions): AnonymisedFile | undefined {
  const file = parseFile(bytes, where, { decodedBytes: given.decodedBytes });
  const { dataSet } = file;
  const identity = identityOf(dataSet);
  const metaClass = file.meta?.elements.get(0x00020002);
  const sopClass = metaClass && file.meta ? textOf(file.meta.raw(metaClass)).trim() : identity.sopClass;
  if (sopClass === DIRECTORY_CLASS) return undefined;
  checkWhole(file, where);
  const syntax = writtenSyntax(file, where);
  const work: Rewriting = { ...given, identity, revealing: new Set() };
  const elements = [...rewrite(dataSet, syntax, work), ...marks(given.options, syntax)].sort((a, b) => a.tag - b.tag);
  const sopInstance = given.options.has("uids") ? identity.sopInstance : given.pseudonyms.uid(identity.sopInstance);
  const body = elements.flatMap(({ chunks }) => chunks);
  return {
    chunks: [
      Buffer.alloc(PREAMBLE_BYTES),
      Buffer.from("DICM", "latin1"),
      ...metaInformation(sopClass === "" ? identity.sopClass : sopClass, sopInstance, syntax.uid),
      ...(syntax.deflated ? [deflated(body)] : body),
    ],
    identity,
    sopInstance,
    risks: remainingRisks(identity),
    revealing: [...work.revealing],
  };
}

function checkWhole({ dataSet, cut, end }: DicomFile, where: string): void {
  if (cut) throw fault(where, "a whole file", "one that ends within an element", "fetch the file again");
  const rest = dataSet.bytes.subarray(end);
  if (rest.length > MAX_PADDING || rest.some((byte) => byte !== 0)) {
    const got = `${rest.length} bytes behind byte ${end} that are none`;
    throw fault(where, "elements to the end of the file", got, "fetch the file again, or store it anew");
  }
}

// Files whose elements contradict their syntax are written in the syntax that their elements have.
function writtenSyntax({ dataSet, syntax, syntaxUid, deflated: inflated }: DicomFile, where: string): TransferSyntax {
  const { explicit, littleEndian } = dataSet.encoding;
  const encapsulated = dataSet.elements.get(PIXEL_DATA)?.fragments !== undefined;
  if (encapsulated || inflated) {
    if (syntax) return { ...syntax, explicit: true, littleEndian: true };
    if (syntaxUid === undefined) {
      throw fault(where, "a transfer syntax", "compressed pixels without one", "store the file with meta information");
    }
    return { ...EXPLICIT_LITTLE, uid: syntaxUid };
  }
  if (syntax?.explicit === explicit && syntax.littleEndian === littleEndian) return syntax;
  if (!explicit) return IMPLICIT_LITTLE;
  return littleEndian ? EXPLICIT_LITTLE : EXPLICIT_BIG;
}

function deflated(body: readonly Uint8Array[]): Buffer {
  const bytes = deflateRawSync(Buffer.concat(body));
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
}

// Group 0002, anew: the old one may name the sender and hold private information.
function metaInformation(sopClass: string, sopInstance: string, syntaxUid: string): Uint8Array[] {
  const values: [number, string, Uint8Array][] = [
    [0x00020001, "OB", Uint8Array.of(0, 1)],
    [0x00020002, "UI", uidBytes(sopClass)],
    [0x00020003, "UI", uidBytes(sopInstance)],
    [0x00020010, "UI", uidBytes(syntaxUid)],
    [0x00020012, "UI", uidBytes(IMPLEMENTATION_UID)],
    [0x00020013, "SH", padded("MSMAE")],
  ];
  const group = values.flatMap(([tag, vr, value]) => writeElement(tag, vr, value, EXPLICIT_LITTLE).chunks);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(group.reduce((sum, chunk) => sum + chunk.length, 0));
  return [...writeElement(0x00020000, "UL", length, EXPLICIT_LITTLE).chunks, ...group];
}

// What a de-identified file must say about itself. Source: DICOM PS3.15 E.1.1, PS3.3 C.12.1.1.9 and C.7.1.
function marks(options: ReadonlySet<AnonymiseOption>, syntax: TransferSyntax): WrittenElement[] {
  const chosen = (Object.keys(OPTION_CODES) as AnonymiseOption[]).filter((option) => options.has(option));
  const codes = [BASIC_PROFILE_CODE, ...chosen.map((option) => OPTION_CODES[option])];
  const text = (tag: number, vr: string, value: string) => writeElement(tag, vr, padded(value), syntax);
  const item = ({ value, meaning }: Code) => [
    text(0x00080100, "SH", value),
    text(0x00080102, "SH", "DCM"),
    text(0x00080104, "LO", meaning),
  ];
  const dates = options.has("full-dates") ? "UNMODIFIED" : options.has("modified-dates") ? "MODIFIED" : "REMOVED";
  const methods = codes.map(({ meaning }) => meaning.slice(0, 64));
  return [
    text(0x00120062, "CS", "YES"),
    text(0x00120063, "LO", methods.join("\\")),
    writeSequence(0x00120064, "SQ", codes.map(item), syntax),
    text(0x00280303, "CS", dates),
  ];
}

function fault(where: string, expected: string, got: string, todo: string): MsmaeError {
  return new MsmaeError("Data", { where, expected, got, todo });
}
