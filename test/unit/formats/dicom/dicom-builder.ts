/** A data element: tag, representation and value; items for sequences, fragments for encapsulated pixel data. */
export type BuiltElement = [tag: number, vr: string, value: BuiltValue];
export type BuiltValue = string | number | number[] | Uint8Array | BuiltElement[][] | { fragments: Uint8Array[] };

export interface BuildOptions {
  syntax?: string;
  preamble?: boolean;
  meta?: boolean;
  implicit?: boolean;
  bigEndian?: boolean;
}

const LONG = new Set(["OB", "OW", "OF", "OD", "OV", "SQ", "UN", "UT"]);

/** Writes small DICOM files, so that each layout can be tested with numbers worked out by hand. */
export function buildDicom(elements: BuiltElement[], options: BuildOptions = {}): Uint8Array {
  const { syntax = "1.2.840.10008.1.2.1", preamble = true, meta = true, implicit = false, bigEndian = false } = options;
  const head = meta ? dataSet([[0x00020010, "UI", syntax]], false, false) : Buffer.alloc(0);
  const start = preamble ? Buffer.concat([Buffer.alloc(128), Buffer.from("DICM")]) : Buffer.alloc(0);
  return new Uint8Array(Buffer.concat([start, head, dataSet(elements, implicit, bigEndian)]));
}

/** The elements that describe grey pixels; any of them can be replaced or, with undefined, left out. */
export function greyImage(
  rows: number,
  columns: number,
  pixels: BuiltElement,
  others: Record<number, BuiltElement | undefined> = {},
): BuiltElement[] {
  const elements: Record<number, BuiltElement | undefined> = {
    2621442: [0x00280002, "US", 1],
    2621444: [0x00280004, "CS", "MONOCHROME2"],
    2621456: [0x00280010, "US", rows],
    2621457: [0x00280011, "US", columns],
    2621696: [0x00280100, "US", 8],
    2621697: [0x00280101, "US", 8],
    2621698: [0x00280102, "US", 7],
    2621699: [0x00280103, "US", 0],
    ...others,
    [pixels[0]]: pixels,
  };
  return Object.values(elements)
    .filter((element) => element !== undefined)
    .sort(([a], [b]) => a - b);
}

function dataSet(elements: BuiltElement[], implicit: boolean, bigEndian: boolean): Buffer {
  return Buffer.concat(elements.map((element) => build(element, implicit, bigEndian)));
}

function build([tag, vr, value]: BuiltElement, implicit: boolean, bigEndian: boolean): Buffer {
  const [body, length] = valueBytes(vr, value, implicit, bigEndian);
  const key = numbers([Math.floor(tag / 0x10000), tag % 0x10000], 2, bigEndian);
  if (implicit) return Buffer.concat([key, numbers([length], 4, bigEndian), body]);
  const size = LONG.has(vr)
    ? Buffer.concat([Buffer.alloc(2), numbers([length], 4, bigEndian)])
    : numbers([length], 2, bigEndian);
  return Buffer.concat([key, Buffer.from(vr), size, body]);
}

function valueBytes(vr: string, value: BuiltValue, implicit: boolean, bigEndian: boolean): [Buffer, number] {
  if (typeof value === "object" && "fragments" in value) {
    const items = value.fragments.map((bytes) => item(Buffer.from(bytes), bigEndian));
    return [Buffer.concat([...items, numbers([0xfffe, 0xe0dd, 0, 0], 2, bigEndian)]), 0xffffffff];
  }
  if (vr === "SQ") {
    const items = (value as BuiltElement[][]).map((elements) =>
      item(dataSet(elements, implicit, bigEndian), bigEndian),
    );
    const body = Buffer.concat(items);
    return [body, body.length];
  }
  const body = scalarBytes(vr, value as string | number | number[] | Uint8Array, bigEndian);
  const padding = vr === "UI" || typeof value !== "string" ? 0 : 0x20;
  const even = body.length % 2 === 0 ? body : Buffer.concat([body, Buffer.of(padding)]);
  return [even, even.length];
}

function item(body: Buffer, bigEndian: boolean): Buffer {
  return Buffer.concat([numbers([0xfffe, 0xe000], 2, bigEndian), numbers([body.length], 4, bigEndian), body]);
}

function scalarBytes(vr: string, value: string | number | number[] | Uint8Array, bigEndian: boolean): Buffer {
  if (typeof value === "string") return Buffer.from(value, "latin1");
  if (value instanceof Uint8Array) return Buffer.from(value);
  const list = typeof value === "number" ? [value] : value;
  if (vr === "OV") return Buffer.concat(list.map((each) => numbers([each, 0], 4, bigEndian)));
  return numbers(list, vr === "UL" ? 4 : 2, bigEndian);
}

function numbers(values: number[], size: 2 | 4, bigEndian: boolean): Buffer {
  const buffer = Buffer.alloc(values.length * size);
  for (const [at, value] of values.entries()) {
    const unsigned = size === 2 ? value & 0xffff : value >>> 0;
    if (bigEndian) buffer.writeUIntBE(unsigned, at * size, size);
    else buffer.writeUIntLE(unsigned, at * size, size);
  }
  return buffer;
}
