/** How often a spelling of a name occurs, and where, for people. */
export interface Spelling {
  count: number;
  place: string;
}

/** Which name each spelling stands for. */
export interface SettledNames {
  names: ReadonlyMap<string, string>;
  /** Sentences about spellings that are taken for one name. */
  notices: string[];
  /** Names that are spelt in several ways, which nobody has asked to merge. */
  faults: string[];
}

/**
 * Takes spellings of one name together. Numbers that are equal are one name, the number in its plain form (`1` for 1.0,
 * 01 and 1e0). Spellings that differ only in case, spaces, invisible characters or Unicode form are a fault; merged, the
 * most frequent one gives the name, of equally frequent ones the first. A name of one spelling stays as it is written,
 * without spaces around it.
 *
 * @param kind what the names are of, such as "class".
 */
export function settleNames(
  kind: string,
  spellings: ReadonlyMap<string, Spelling>,
  { merge }: { merge: boolean },
): SettledNames {
  const names = new Map<string, string>();
  const notices: string[] = [];
  const faults: string[] = [];
  for (const alike of Map.groupBy(spellings, ([text]) => spellingKey(text)).values()) {
    const [[text] = [""]] = alike.toSorted(([, a], [, b]) => b.count - a.count);
    const number = plainNumber(text);
    const name = alike.length > 1 && number !== undefined ? number : text.trim();
    for (const [spelling] of alike) names.set(spelling, name);
    if (alike.length === 1) continue;
    const listed = alike.map(([spelling, { place }]) => `${shown(spelling)} (${place})`).join(", ");
    if (merge || number !== undefined) notices.push(`${listed} are one ${kind}: ${name}`);
    else faults.push(`one ${kind} in several spellings? ${listed}`);
  }
  return { names, notices, faults };
}

/** A name in quotes, with what cannot be seen, or looks like something else, by its number. */
function shown(name: string): string {
  return JSON.stringify(name).replace(
    /[\p{Cf}\p{M}]|(?! )\s/gu,
    (character) => `\\u${character.codePointAt(0)?.toString(16).padStart(4, "0")}`,
  );
}

/** What to do about {@link SettledNames.faults}. */
export const MERGE_HINT = "correct the spelling, or take such names for one by --merge-labels";

/** Whether two names are the same, or the same number. */
export function isSameName(a: string, b: string): boolean {
  return a === b || (plainNumber(a) !== undefined && plainNumber(a) === plainNumber(b));
}

/** The same for all spellings of a name. */
export function spellingKey(text: string): string {
  const number = plainNumber(text);
  if (number !== undefined) return `number ${number}`;
  const folded = visible(text).toUpperCase().toLowerCase().normalize("NFKC");
  // Between digits a space may tell two names apart, such as 1 12 and 11 2.
  return `text ${folded.replace(/\s+/g, " ").replace(/(?<!\d) | (?!\d)/g, "")}`;
}

/** A text in its plainest Unicode form, without invisible characters and spaces around it. */
export function visible(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .trim();
}

/** Digits beyond which a number is not written out. */
const LONGEST = 20;

/**
 * The plain decimal form of a number that is written in any way; undefined for other texts. Digits are compared, not
 * floating-point values, so that long codes stay apart.
 */
function plainNumber(text: string): string | undefined {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d{1,9}))?$/i.exec(visible(text));
  if (!match) return;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  if (whole + fraction === "") return;
  const digits = (whole + fraction).replace(/^0+/, "");
  const figures = digits.replace(/0+$/, "");
  if (figures === "") return "0";
  const power = Number(exponent) - fraction.length + digits.length - figures.length;
  const minus = sign === "-" ? "-" : "";
  if (Math.abs(power) > LONGEST) return `${minus}${figures}e${power}`;
  if (power >= 0) return minus + figures + "0".repeat(power);
  const padded = figures.padStart(1 - power, "0");
  return `${minus}${padded.slice(0, power)}.${padded.slice(power)}`;
}

/** Lines for people: `lines 2, 5, 6 and 40 more`. */
export function linesText(lines: readonly number[]): string {
  if (lines.length === 1) return `line ${lines[0]}`;
  const shown = lines.slice(0, 3).join(", ");
  return `lines ${shown}${lines.length > 3 ? ` and ${lines.length - 3} more` : ""}`;
}
