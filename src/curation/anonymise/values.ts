import { KNOWN_WORDS } from "./words.ts";

const DUMMIES: Readonly<Record<string, string>> = {
  AE: "ANONYMOUS",
  AS: "000Y",
  CS: "ANON",
  DA: "19000101",
  DS: "0",
  DT: "19000101000000",
  IS: "0",
  LO: "ANONYMOUS",
  LT: "ANONYMOUS",
  PN: "ANONYMOUS",
  SH: "ANONYMOUS",
  ST: "ANONYMOUS",
  TM: "000000",
  UC: "ANONYMOUS",
  UR: "about:blank",
  UT: "ANONYMOUS",
};
const NUMBER_BYTES: Readonly<Record<string, number>> = {
  AT: 4,
  FD: 8,
  FL: 4,
  OD: 8,
  OF: 4,
  OL: 4,
  OV: 8,
  SL: 4,
  SV: 8,
  UL: 4,
  UV: 8,
};

/** Representations whose text people write freely. */
export const FREE_TEXT: ReadonlySet<string> = new Set(["LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"]);
/** Text that can tell who somebody is in any form; codes (CS) and UIDs are not among them. */
export const TELLING: ReadonlySet<string> = new Set([...FREE_TEXT, "AE", "AS", "DA", "DT", "TM"]);

/** A text as bytes of even length. */
export function padded(text: string, pad = " "): Buffer {
  return Buffer.from(text.length % 2 === 0 ? text : text + pad, "latin1");
}

export function uidBytes(uid: string): Buffer {
  return padded(uid, "\0");
}

/** A value of the right form that says nothing. */
export function dummyValue(vr: string): Buffer {
  const text = DUMMIES[vr];
  return text === undefined ? Buffer.alloc(NUMBER_BYTES[vr] ?? 2) : padded(text);
}

/** Text without padding; bytes of any character set come back as they were. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("latin1")
    .replace(/[\0 ]+$/, "");
}

/** Dates (DA) and times (DT) moved back by whole days; what is no date becomes empty. Times of day stay. */
export function shiftDates(text: string, vr: string, days: number): string {
  if (vr === "TM") return text;
  return text
    .split("\\")
    .map((part) => {
      const match = /^(\d{4})\.?(\d\d)\.?(\d\d)(.*)$/.exec(part.trim());
      if (!match) return "";
      const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
      const moved = new Date(0);
      moved.setUTCFullYear(year, month - 1, day - days);
      const date = moved.toISOString().slice(0, 10).replaceAll("-", "");
      return vr === "DT" ? `${date}${/^[\d.]*([+-]\d{4})?$/.test(match[4] ?? "") ? match[4] : ""}` : date;
    })
    .join("\\");
}

/** A description of which only words remain that have to do with imaging, and short numbers. */
export function cleanText(text: string): string {
  return text
    .split("\\")
    .map((part) =>
      part
        .split(/[^\p{L}\p{N}.+*]+/u)
        .filter((word) => KNOWN_WORDS.has(word.toUpperCase()) || /^\d{1,2}(\.\d{1,2})?(MM|CM)?$/i.test(word))
        .join(" "),
    )
    .join("\\");
}
