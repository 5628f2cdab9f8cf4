import { MsmaeError } from "../../support/errors.ts";
import { matchingTitles, shownTitles } from "./columns.ts";
import type { TableRecord } from "./parse.ts";

/** Columns of a table that say what is to be told of its images, in place of a class. */
export interface ValueColumns {
  /** `findings`: each is there (1) or not (0). `number`: a measurement. */
  kind: "findings" | "number";
  /** The columns' names, in the order of the samples' values. */
  names: readonly string[];
}

/**
 * Where the columns stand in a table's records.
 *
 * @throws MsmaeError Data when one is missing, or two may be meant.
 */
function placesOfValues(where: string, titles: readonly string[], { kind, names }: ValueColumns): number[] {
  return names.map((name) => {
    const places = matchingTitles(titles, name);
    const [place] = places;
    if (place !== undefined && places.length === 1) return place;
    const got = place === undefined ? `columns ${shownTitles(titles)}` : `${places.length} columns of this name`;
    throw new MsmaeError("Data", {
      where,
      expected: `one column ${JSON.stringify(name)}, for --${kind}`,
      got,
      todo: "name the columns as the table does",
    });
  });
}

/** What data frames and spreadsheets write where there is no value. */
export const NO_VALUE = /^(nan|<na>|#n\/a)?$/i;

/** What labellers of chest radiographs write where they cannot tell. */
const UNCERTAIN = /^-1(?:\.0*)?$/;

/**
 * A field's value: NaN where there is none, or where a finding is uncertain (−1); undefined for what is no value of its
 * kind.
 */
function parseValue(text: string | undefined, kind: ValueColumns["kind"]): number | undefined {
  const plain = text?.trim().toLowerCase() ?? "";
  if (NO_VALUE.test(plain)) return Number.NaN;
  if (kind === "number") {
    const value = Number(plain);
    return Number.isFinite(value) ? value : undefined;
  }
  if (isUncertain(plain)) return Number.NaN;
  if (/^(?:1(?:\.0*)?|true)$/.test(plain)) return 1;
  return /^(?:0(?:\.0*)?|false)$/.test(plain) ? 0 : undefined;
}

/** Whether a field of findings says that nobody can tell. */
function isUncertain(text: string | undefined): boolean {
  return UNCERTAIN.test(text?.trim() ?? "");
}

/** What values of a kind look like, for messages. */
const EXPECTED_VALUES: Readonly<Record<ValueColumns["kind"], string>> = {
  findings: "0, 1, -1 (uncertain) or nothing",
  number: "a number or nothing",
};

/** Reads the columns of values that are asked for, and counts the fields that leave a finding open. */
export class ValueFields {
  readonly #columns: { name: string; place: number }[];
  readonly #kind: ValueColumns["kind"];
  #uncertain = 0;

  constructor(where: string, titles: readonly string[], columns: ValueColumns) {
    const places = placesOfValues(where, titles, columns);
    this.#columns = columns.names.map((name, at) => ({ name, place: places[at] as number }));
    this.#kind = columns.kind;
  }

  /** A record's values, NaN for what is missing; a fault is added for each field that is none. */
  of({ fields, line }: TableRecord, faults: string[]): number[] {
    return this.#columns.map(({ name, place }) => {
      const text = fields[place];
      if (this.#kind === "findings" && isUncertain(text)) this.#uncertain++;
      const value = parseValue(text, this.#kind);
      if (value === undefined) faults.push(`line ${line}: ${name} "${text}" is not ${EXPECTED_VALUES[this.#kind]}`);
      return value ?? Number.NaN;
    });
  }

  notices(where: string): string[] {
    if (this.#uncertain === 0) return [];
    return [`${where}: ${this.#uncertain} findings are -1, uncertain, and are taken as missing`];
  }
}
