import type { AnonymiseOption } from "../../config/verbs/data-anonymise.ts";
import type { DataSet, Element, Encoding } from "../../formats/dicom/data-set.ts";
import { type WrittenElement, writeElement, writeFragments, writeSequence } from "./encoding.ts";
import type { Identity } from "./identity.ts";
import { type Action, actionOf, standardVr } from "./profile.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import { cleanText, dummyValue, FREE_TEXT, padded, shiftDates, TELLING, textOf, uidBytes } from "./values.ts";

const PATIENT_NAME = 0x00100010;
const PATIENT_ID = 0x00100020;
const IMPLICIT: Encoding = { explicit: false, littleEndian: true };
/** Written by the de-identifier itself. */
const OWN_TAGS = new Set([0x00120062, 0x00120063, 0x00120064, 0x00280303]);

/** What rewriting a file needs to know, and what it finds out. */
export interface Rewriting {
  options: ReadonlySet<AnonymiseOption>;
  pseudonyms: Pseudonyms;
  identity: Identity;
  /** Attributes that the profile keeps, but whose text held the patient's name or ID. */
  revealing: Set<number>;
}

/**
 * The elements of a data set as the profile leaves them, in the order of their tags. Values that are kept are the same
 * bytes as before: pixel data in any transfer syntax stay untouched.
 *
 * @param encoding how the file is to be written; only its order of bytes must be that of the data set.
 * @param emptied inside a sequence that the profile replaces by a dummy: no text of the items is kept.
 */
export function rewrite(dataSet: DataSet, encoding: Encoding, work: Rewriting, emptied = false): WrittenElement[] {
  const written: WrittenElement[] = [];
  for (const element of dataSet.elements.values()) {
    const { tag } = element;
    const known = standardVr(tag);
    // Private attributes, and those that the standard does not know: nobody can tell what they say.
    if ((tag >>> 16) % 2 === 1 || known === undefined || (tag & 0xffff) === 0 || OWN_TAGS.has(tag)) continue;
    const vr = element.vr === "UN" || standardVrs.has(element.vr) === false ? known : element.vr;
    const action = chooseAction(tag, vr, work, emptied);
    if (action === "X") continue;
    written.push(isSequence(element, vr) ? sequence(element, action) : plain(element, vr, action));
  }
  return written.sort((a, b) => a.tag - b.tag);

  function sequence(element: Element, action: Action): WrittenElement {
    const items = element.items ?? dataSet.parseItems(element, dataSet);
    // The items of a sequence of unknown representation are implicit, whatever the file is.
    const hidden = element.vr === "UN" && dataSet.encoding.explicit;
    const inner = hidden ? IMPLICIT : encoding;
    const rewritten = action === "Z" ? [] : items.map((item) => rewrite(item, inner, work, emptied || action === "D"));
    return writeSequence(element.tag, hidden ? "UN" : "SQ", rewritten, encoding, inner);
  }

  function plain(element: Element, vr: string, action: Action): WrittenElement {
    const raw = dataSet.raw(element);
    if (element.fragments) return writeFragments(element.tag, vr === "OW" ? "OB" : vr, raw, encoding);
    return writeElement(element.tag, vr, newValue(element.tag, vr, raw, action, work), encoding);
  }
}

const standardVrs = new Set(
  "AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split(" "),
);

function isSequence(element: Element, vr: string): boolean {
  return vr === "SQ" || element.items !== undefined;
}

function chooseAction(tag: number, vr: string, { options }: Rewriting, emptied: boolean): Action {
  const action = actionOf(tag, options) ?? (vr === "PN" ? "D" : "K");
  if (!emptied || action === "X" || action === "Z" || action === "U") return action;
  if (vr === "UI") return "U";
  return TELLING.has(vr) ? "D" : action === "D" ? "D" : "K";
}

function newValue(tag: number, vr: string, raw: Uint8Array, action: Action, work: Rewriting): Uint8Array {
  const { pseudonyms, identity } = work;
  if (action === "K") return kept(tag, vr, raw, work);
  if (tag === PATIENT_ID || tag === PATIENT_NAME) {
    // The standard lets a dummy stand for the empty value; one that is the same for a patient keeps patients apart.
    return identity.patient === ""
      ? Buffer.alloc(0)
      : padded(pseudonyms.name("patient", identity.patient).toUpperCase());
  }
  if (action === "Z" || raw.length === 0) return Buffer.alloc(0);
  if (action === "U" && vr === "UI") {
    const uids = textOf(raw).split("\\");
    return uidBytes(uids.map((uid) => pseudonyms.uid(uid.trim())).join("\\"));
  }
  if (action === "C") return cleaned(tag, vr, raw, work);
  return dummyValue(vr);
}

/** A kept value, unless it is a text that names the patient. */
function kept(tag: number, vr: string, raw: Uint8Array, { identity, revealing, options }: Rewriting): Uint8Array {
  if (!FREE_TEXT.has(vr) || !namesPatient(textOf(raw), identity)) return raw;
  // What was asked to be kept is kept as it is: the option says so.
  if (actionOf(tag, options) === "K") return raw;
  revealing.add(tag);
  return dummyValue(vr);
}

function namesPatient(text: string, { words }: Identity): boolean {
  const upper = text.toUpperCase();
  return words.some((word) => upper.includes(word));
}

function cleaned(tag: number, vr: string, raw: Uint8Array, work: Rewriting): Uint8Array {
  const text = textOf(raw);
  const { pseudonyms, identity, revealing } = work;
  if (vr === "DA" || vr === "DT" || vr === "TM") {
    return padded(shiftDates(text, vr, pseudonyms.daysBack(identity.patient)));
  }
  if (!FREE_TEXT.has(vr)) return dummyValue(vr);
  const rest = cleanText(text);
  if (!namesPatient(rest, identity)) return padded(rest);
  revealing.add(tag);
  return dummyValue(vr);
}
