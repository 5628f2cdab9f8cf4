import { codestreamStart } from "../codestream.ts";
import type { DataSet, Element, Fragment } from "./data-set.ts";
import { dataError } from "./errors.ts";

/**
 * The encapsulated bytes of every frame, by the extended offset table, the basic one, or the fragments themselves:
 * one frame each, or a frame from every fragment that starts a codestream to the next such.
 *
 * Source: DICOM PS3.5 A.4; PS3.3 C.7.6.3.1.8.
 *
 * @throws MsmaeError Data where the fragments make fewer frames than the file says it has.
 */
export function splitFrames(dataSet: DataSet, pixels: Element, frames: number, where: string): Fragment[][] {
  const [table, ...fragments] = pixels.fragments ?? [];
  // Decoders fill up what is missing of a picture without a word.
  if (pixels.missing > 0) {
    const got = `a file that ends ${pixels.missing} bytes before its last fragment does`;
    throw dataError(where, `${frames} encapsulated frames`, got, "fetch the file again");
  }
  const filled = fragments.filter(({ length }) => length > 0);
  if (!table || filled.length === 0) {
    throw dataError(where, `${frames} encapsulated frames`, "no fragment of pixel data", "fetch the file again");
  }
  const base = fragments[0]?.offset ?? 0;
  const starts = extendedOffsets(dataSet, frames) ?? basicOffsets(dataSet, table, frames);
  const byTable = starts && groupByOffset(fragments, starts, base);
  const groups = byTable ?? groupBySelf(dataSet, filled, frames);
  if (groups.length >= frames) return groups;
  throw dataError(where, `${frames} encapsulated frames`, `${groups.length}`, "fetch the file again");
}

function extendedOffsets(dataSet: DataSet, frames: number): number[] | undefined {
  const offsets = dataSet.numbers("ExtendedOffsetTable", "OV");
  return offsets.length === frames ? offsets : undefined;
}

function basicOffsets(dataSet: DataSet, table: Fragment, frames: number): number[] | undefined {
  if (table.length < 4 || table.length / 4 !== frames) return undefined;
  const view = new DataView(dataSet.bytes.buffer, dataSet.bytes.byteOffset + table.offset, table.length);
  return Array.from({ length: frames }, (_, frame) => view.getUint32(frame * 4, true));
}

// Offsets count from the first byte of the first fragment's item tag. A table that no fragment fits is ignored.
function groupByOffset(fragments: Fragment[], starts: number[], base: number): Fragment[][] | undefined {
  const at = new Map(fragments.map(({ offset }, index) => [offset - base, index]));
  const groups: Fragment[][] = [];
  for (const [frame, start] of starts.entries()) {
    const from = at.get(start);
    const next = starts[frame + 1];
    const to = next === undefined ? fragments.length : at.get(next);
    if (from === undefined || to === undefined || to <= from) return undefined;
    groups.push(fragments.slice(from, to));
  }
  return groups;
}

function groupBySelf({ bytes }: DataSet, fragments: Fragment[], frames: number): Fragment[][] {
  if (frames === 1) return [fragments];
  if (fragments.length === frames) return fragments.map((fragment) => [fragment]);
  const groups: Fragment[][] = [];
  for (const fragment of fragments) {
    const starts = codestreamStart(bytes.subarray(fragment.offset, fragment.offset + fragment.length)) === 0;
    if (starts || groups.length === 0) groups.push([fragment]);
    else groups.at(-1)?.push(fragment);
  }
  return groups;
}

/** The bytes of fragments in a row; copied only where there are several. */
export function joinFragments(bytes: Uint8Array, fragments: Fragment[]): Uint8Array {
  const parts = fragments.map(({ offset, length }) => bytes.subarray(offset, offset + length));
  if (parts.length === 1) return parts[0] as Uint8Array;
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
