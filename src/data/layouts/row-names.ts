import { linesText, MERGE_HINT, type SettledNames, type Spelling, settleNames } from "../tables/spelling.ts";
import { dataError, faultList } from "./listing.ts";
import type { TableRow } from "./table.ts";

/** What rows name, and how it is called in messages. */
const KINDS = { label: "class", patient: "patient", lesion: "lesion" } as const;
type Kind = keyof typeof KINDS;

/** Rows whose classes, patients and lesions bear one name each. */
export interface SettledRows {
  rows: TableRow[];
  notices: string[];
  /** @throws MsmaeError Data where names are spelt in several ways. */
  throwFaults(path: string): void;
}

/** Takes the spellings of each class, patient and lesion in a table for one name, as {@link settleNames} says. */
export function settleRows(rows: readonly TableRow[], { merge }: { merge: boolean }): SettledRows {
  const settled = Object.fromEntries(
    Object.entries(KINDS).map(([kind, noun]) => [kind, settleNames(noun, spellingsOf(rows, kind as Kind), { merge })]),
  ) as Record<Kind, SettledNames>;
  const all = Object.values(settled);
  const faults = all.flatMap((names) => names.faults);
  const named = (row: TableRow, kind: Kind) => {
    const text = row[kind];
    return text === undefined ? undefined : settled[kind].names.get(text);
  };
  return {
    rows: rows.map((row) => ({
      ...row,
      label: named(row, "label"),
      patient: named(row, "patient"),
      lesion: named(row, "lesion"),
    })),
    notices: all.flatMap((names) => names.notices),
    throwFaults(path) {
      if (faults.length > 0) throw dataError(path, "each name in one spelling", faultList(faults), MERGE_HINT);
    },
  };
}

function spellingsOf(rows: readonly TableRow[], kind: Kind): Map<string, Spelling> {
  const lines = new Map<string, number[]>();
  for (const row of rows) {
    const text = row[kind];
    if (text === undefined) continue;
    const known = lines.get(text);
    if (known) known.push(row.line);
    else lines.set(text, [row.line]);
  }
  return new Map([...lines].map(([text, own]) => [text, { count: own.length, place: linesText(own) }]));
}
