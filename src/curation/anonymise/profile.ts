import { ANONYMISE_OPTIONS, type AnonymiseOption } from "../../config/verbs/data-anonymise.ts";
import { DICTIONARY } from "./tables/dictionary.ts";
import { PROFILE_TABLE } from "./tables/profile.ts";

/**
 * What happens to an attribute: D dummy value, Z empty, X removed, K kept (of a sequence, its items go through the
 * profile), C cleaned, U replaced by a UID that is the same wherever the old one was.
 */
export type Action = "D" | "Z" | "X" | "K" | "C" | "U";

/** A concept of the standard's vocabulary, coding scheme DCM. */
export interface Code {
  value: string;
  meaning: string;
}

/** Source: DICOM PS3.16, context group 7050. */
export const BASIC_PROFILE_CODE: Code = { value: "113100", meaning: "Basic Application Confidentiality Profile" };
export const OPTION_CODES: Readonly<Record<AnonymiseOption, Code>> = {
  "structured-content": { value: "113104", meaning: "Clean Structured Content Option" },
  descriptors: { value: "113105", meaning: "Clean Descriptors Option" },
  "full-dates": { value: "113106", meaning: "Retain Longitudinal Temporal Information Full Dates Option" },
  "modified-dates": { value: "113107", meaning: "Retain Longitudinal Temporal Information Modified Dates Option" },
  "patient-characteristics": { value: "113108", meaning: "Retain Patient Characteristics Option" },
  device: { value: "113109", meaning: "Retain Device Identity Option" },
  uids: { value: "113110", meaning: "Retain UIDs Option" },
  institution: { value: "113112", meaning: "Retain Institution Identity Option" },
};

interface Row {
  basic: Action;
  options: Partial<Record<AnonymiseOption, Action>>;
}

/**
 * Where the table leaves a choice, it depends on whether the kind of object needs the attribute, and with which value.
 * The choice that fits all kinds is taken.
 */
const STRONGEST: Readonly<Record<string, Action>> = {
  "X/Z": "Z",
  "X/D": "D",
  "Z/D": "D",
  "X/Z/D": "D",
  "X/Z/U*": "U",
};

/** Tags with digits that may be anything are not looked up, but handled by group. */
const rows = new Map<number, Row>();
for (const line of PROFILE_TABLE.trim().split("\n")) {
  const [tag = "", action = "", ...options] = line.split(" ");
  if (tag.includes("x")) continue;
  const basic = STRONGEST[action] ?? (action as Action);
  rows.set(Number.parseInt(tag, 16), { basic, options: Object.fromEntries(options.map((part) => part.split("="))) });
}

const vrs = new Map<number, string>();
const repeatedVrs = new Map<string, string>();
for (const line of DICTIONARY.trim().split("\n")) {
  const [vr = "", ...tags] = line.split(" ");
  for (const tag of tags) {
    if (tag.includes("x")) repeatedVrs.set(tag, vr);
    else vrs.set(Number.parseInt(tag, 16), vr);
  }
}

/** All attributes that the profile's table names, for tests. */
export function tableTags(): number[] {
  return [...rows.keys()];
}

/** The standard's value representation of an attribute; undefined where the standard does not know the attribute. */
export function standardVr(tag: number): string | undefined {
  const known = vrs.get(tag);
  if (known !== undefined) return known;
  const hex = tag.toString(16).padStart(8, "0");
  for (const pattern of [`${hex.slice(0, 2)}xx${hex.slice(4)}`, `${hex.slice(0, 6)}xx`, `${hex.slice(0, 7)}x`]) {
    const vr = repeatedVrs.get(pattern);
    if (vr !== undefined) return vr;
  }
  return undefined;
}

/** What the profile does with an attribute; undefined for one that the table does not name. */
export function actionOf(tag: number, options: ReadonlySet<AnonymiseOption>): Action | undefined {
  const group = tag >>> 16;
  // Curves and overlays: an overlay without its data is of no use, so that the whole group goes.
  if ((group & 0xff00) === 0x5000 || (group & 0xff00) === 0x6000) return "X";
  const row = rows.get(tag);
  if (row === undefined) return undefined;
  const chosen = ANONYMISE_OPTIONS.filter((option) => options.has(option)).map((option) => row.options[option]);
  // An option that keeps a value weighs more than another that cleans it.
  return chosen.includes("K") ? "K" : chosen.includes("C") ? "C" : row.basic;
}
