import { LIMITS } from "../limits.ts";
import { decodeText } from "./character-set.ts";
import { dictionaryVr, type Keyword, TAGS } from "./tags.ts";

/** How the elements of a data set are written. */
export interface Encoding {
  explicit: boolean;
  littleEndian: boolean;
}

/** Where one element lies in the bytes. */
export interface Element {
  tag: number;
  vr: string;
  /** Of the value. */
  offset: number;
  /** Bytes of the value that are there. */
  length: number;
  /** Bytes that the value lacks, since the file ends before it does. */
  missing: number;
  /** Of an encapsulated value: its fragments, the offset table first. */
  fragments?: Fragment[];
  /** Of a sequence that had to be read to find its end. */
  items?: DataSet[];
}

export interface Fragment {
  offset: number;
  length: number;
}

/** How many more elements a file may have. */
export interface ElementBudget {
  left: number;
}

/** Sizes of the binary numbers. */
const NUMBER_BYTES: Record<string, number> = { US: 2, SS: 2, OW: 2, UL: 4, SL: 4, FL: 4, OF: 4, OL: 4, AT: 4 };
const WIDE_NUMBERS = new Set(["FD", "OD", "SV", "UV", "OV"]);

/** The elements of a file, of a directory record or of a sequence's item. Values are read when asked for. */
export class DataSet {
  readonly elements = new Map<number, Element>();
  readonly bytes: Uint8Array;
  readonly encoding: Encoding;
  /** Reads a sequence's items; handed in by the parser, so that the two files do not import each other. */
  readonly parseItems: (element: Element, parent: DataSet) => DataSet[];
  /** Of the text: the file's, which its items share. */
  characterSet: string;
  /** What is left of the elements that one file may have; its items share it. */
  readonly budget: ElementBudget;

  constructor(
    bytes: Uint8Array,
    encoding: Encoding,
    parseItems: (element: Element, parent: DataSet) => DataSet[],
    characterSet = "",
    budget: ElementBudget = { left: LIMITS.dicomElements },
  ) {
    this.bytes = bytes;
    this.encoding = encoding;
    this.parseItems = parseItems;
    this.characterSet = characterSet;
    this.budget = budget;
  }

  /** To be asked for each element, item and fragment. @throws Error when the file has more than the limit. */
  count(): void {
    if (--this.budget.left < 0) throw new Error(`more than ${LIMITS.dicomElements} elements`);
  }

  element(keyword: Keyword): Element | undefined {
    return this.elements.get(TAGS[keyword][0]);
  }

  /** Whether the element stands in the set with a value. */
  has(keyword: Keyword): boolean {
    return (this.element(keyword)?.length ?? 0) > 0;
  }

  /** The bytes of a value, without a copy. */
  raw(element: Element): Uint8Array {
    return this.bytes.subarray(element.offset, element.offset + element.length);
  }

  items(keyword: Keyword): DataSet[] {
    const element = this.element(keyword);
    if (!element) return [];
    element.items ??= this.parseItems(element, this);
    return element.items;
  }

  /** The values of a text element, without padding. */
  strings(keyword: Keyword): string[] {
    const element = this.element(keyword);
    return element ? this.texts(element) : [];
  }

  string(keyword: Keyword): string | undefined {
    const text = this.strings(keyword)[0];
    return text === "" ? undefined : text;
  }

  /** The numbers of an element, written as text or in binary; what is no number gives NaN. */
  numbers(keyword: Keyword, vr = this.vrOf(TAGS[keyword][0])): number[] {
    const element = this.element(keyword);
    return element ? this.valuesOf(element, vr) : [];
  }

  /** The first number; undefined where the element is absent or empty. */
  number(keyword: Keyword): number | undefined {
    return this.numbers(keyword)[0];
  }

  /** The values of any element: numbers of the binary representations, else text. */
  values(tag: number): (string | number)[] {
    const element = this.elements.get(tag);
    if (!element) return [];
    const vr = this.vrOf(tag);
    return isBinaryNumber(vr) || vr === "IS" || vr === "DS" ? this.valuesOf(element, vr) : this.texts(element);
  }

  private vrOf(tag: number): string {
    const vr = this.elements.get(tag)?.vr ?? "UN";
    return vr === "UN" ? dictionaryVr(tag) : vr;
  }

  private texts(element: Element): string[] {
    if (element.length === 0) return [];
    const text = decodeText(this.raw(element).subarray(0, LIMITS.dicomValueBytes), this.characterSet);
    const separated = LONG_TEXTS.has(element.vr) ? [text] : text.split("\\");
    return separated.map((part) => trimPadding(part));
  }

  private valuesOf(element: Element, vr: string): number[] {
    const size = isBinaryNumber(vr) ? (NUMBER_BYTES[vr] ?? 8) : 0;
    if (size === 0) {
      const texts = this.texts(element);
      return texts.length === 1 && texts[0] === "" ? [] : texts.map((text) => numberOf(text, vr));
    }
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + element.offset, element.length);
    const numbers: number[] = [];
    const end = Math.min(element.length, LIMITS.dicomValueBytes);
    for (let at = 0; at + size <= end; at += size) {
      numbers.push(readNumber(view, at, vr, this.encoding.littleEndian));
    }
    return numbers;
  }
}

// A decimal mark of some countries, which DICOM does not have; nothing else can be meant by it there.
function numberOf(text: string, vr: string): number {
  return text === "" ? Number.NaN : Number(vr === "DS" ? text.replace(",", ".") : text);
}

const LONG_TEXTS = new Set(["LT", "ST", "UT", "UR"]);

// Writers pad with NUL, with spaces, or with both.
function trimPadding(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) <= 0x20) end--;
  let start = 0;
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  return text.slice(start, end);
}

function isBinaryNumber(vr: string): boolean {
  return vr in NUMBER_BYTES || WIDE_NUMBERS.has(vr);
}

function readNumber(view: DataView, at: number, vr: string, littleEndian: boolean): number {
  switch (vr) {
    case "US":
    case "OW":
      return view.getUint16(at, littleEndian);
    case "SS":
      return view.getInt16(at, littleEndian);
    case "SL":
      return view.getInt32(at, littleEndian);
    case "FL":
    case "OF":
      return view.getFloat32(at, littleEndian);
    case "FD":
    case "OD":
      return view.getFloat64(at, littleEndian);
    case "SV":
      return Number(view.getBigInt64(at, littleEndian));
    case "UV":
    case "OV":
      return Number(view.getBigUint64(at, littleEndian));
    case "AT":
      return view.getUint16(at, littleEndian) * 0x10000 + view.getUint16(at + 2, littleEndian);
    default:
      return view.getUint32(at, littleEndian);
  }
}
