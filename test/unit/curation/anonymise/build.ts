import { deflateRawSync } from "node:zlib";
import { type WrittenElement, writeElement, writeSequence } from "../../../../src/curation/anonymise/encoding.ts";
import { padded, uidBytes } from "../../../../src/curation/anonymise/values.ts";
import type { Encoding } from "../../../../src/formats/dicom/data-set.ts";
import { EXPLICIT_LITTLE, transferSyntaxOf } from "../../../../src/formats/dicom/transfer-syntax.ts";

/** An element by tag, representation and value; a list of lists is a sequence of items. */
export type Given = readonly [tag: number, vr: string, value: string | Uint8Array | readonly Given[][]];

export function elements(given: readonly Given[], encoding: Encoding): WrittenElement[] {
  return given
    .map(([tag, vr, value]) => {
      if (Array.isArray(value)) {
        const items = (value as readonly Given[][]).map((item) => elements(item, encoding));
        return writeSequence(tag, vr, items, encoding);
      }
      const bytes = typeof value !== "string" ? (value as Uint8Array) : vr === "UI" ? uidBytes(value) : padded(value);
      return writeElement(tag, vr, bytes, encoding);
    })
    .sort((a, b) => a.tag - b.tag);
}

/** A DICOM file with preamble and meta information, which carry text of their own. */
export function dicomFile(given: readonly Given[], syntaxUid: string, preamble = ""): Buffer {
  const syntax = transferSyntaxOf(syntaxUid) ?? EXPLICIT_LITTLE;
  const body = Buffer.concat(elements(given, syntax).flatMap(({ chunks }) => chunks));
  const meta = elements(
    [
      [0x00020002, "UI", "1.2.840.10008.5.1.4.1.1.2"],
      [0x00020003, "UI", "1.9.8.7.3"],
      [0x00020010, "UI", syntaxUid],
      [0x00020016, "AE", "PHIAE"],
    ],
    EXPLICIT_LITTLE,
  ).flatMap(({ chunks }) => chunks);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.reduce((sum, chunk) => sum + chunk.length, 0));
  const head = Buffer.alloc(132);
  head.write(preamble, 0, "latin1");
  head.write("DICM", 128, "latin1");
  const first = writeElement(0x00020000, "UL", length, EXPLICIT_LITTLE).chunks;
  return Buffer.concat([head, ...first, ...meta, syntax.deflated ? deflateRawSync(body) : body]);
}

/** A small CT image of a patient. */
export function image(over: readonly Given[] = []): Given[] {
  const base: Given[] = [
    [0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"],
    [0x00080018, "UI", "1.9.8.7.3"],
    [0x00080020, "DA", "20240131"],
    [0x00080060, "CS", "CT"],
    [0x00080070, "LO", "Maker"],
    [0x00100010, "PN", "Miller^Jane"],
    [0x00100020, "LO", "ID-4711"],
    [0x0020000d, "UI", "1.9.8.7.1"],
    [0x0020000e, "UI", "1.9.8.7.2"],
    [0x00280010, "US", Uint8Array.of(2, 0)],
    [0x00280011, "US", Uint8Array.of(2, 0)],
    [0x00280301, "CS", "NO"],
    [0x7fe00010, "OW", Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
  ];
  const changed = new Set(over.map(([tag]) => tag));
  return [...base.filter(([tag]) => !changed.has(tag)), ...over];
}
