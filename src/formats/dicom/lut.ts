import type { DataSet } from "./data-set.ts";

/** A look-up table of a file: entries belong to the values from `first` on. */
export interface LookupTable {
  first: number;
  bits: number;
  entries: Uint16Array;
}

/** Reads a look-up table's three elements; undefined where they make no table. Source: DICOM PS3.3 C.11.1.1. */
export function readLut(item: DataSet, signed: boolean): LookupTable | undefined {
  const [count, , bits] = item.numbers("LUTDescriptor", "US");
  const first = item.numbers("LUTDescriptor", signed ? "SS" : "US")[1];
  if (count === undefined || first === undefined || bits === undefined || bits < 1 || bits > 16) return undefined;
  const length = count === 0 ? 65_536 : count;
  const entries = readEntries(item, length);
  return entries && { first, bits, entries };
}

function readEntries(item: DataSet, length: number): Uint16Array | undefined {
  const element = item.element("LUTData");
  if (!element || element.length < length) return undefined;
  // 8-bit entries, two to a word.
  if (element.length < length * 2) return Uint16Array.from(item.raw(element).subarray(0, length));
  return Uint16Array.from(item.numbers("LUTData", "OW").slice(0, length));
}
