import type { DataSet } from "../../formats/dicom/data-set.ts";
import { textOf } from "./values.ts";

const SOP_CLASS_UID = 0x00080016;
const SOP_INSTANCE_UID = 0x00080018;
const MODALITY = 0x00080060;
const PATIENT_NAME = 0x00100010;
const PATIENT_ID = 0x00100020;
const BIRTH_DATE = 0x00100030;
const STUDY_UID = 0x0020000d;
const SERIES_UID = 0x0020000e;
const BURNED_IN = 0x00280301;
const RECOGNISABLE = 0x00280302;

/** What a file says about whom and what it shows. */
export interface Identity {
  /** What tells this patient from others: the ID, else the name with the date of birth; empty where neither is given. */
  patient: string;
  /** Parts of the patient's name and the ID, as they may stand in other texts; upper case, at least three characters. */
  words: string[];
  study: string;
  series: string;
  sopInstance: string;
  sopClass: string;
  modality: string;
  burnedIn: string;
  recognisable: string;
}

export function identityOf(dataSet: DataSet): Identity {
  const text = (tag: number) => {
    const element = dataSet.elements.get(tag);
    return element ? textOf(dataSet.raw(element)).trim() : "";
  };
  const id = text(PATIENT_ID);
  const name = text(PATIENT_NAME);
  const parts = [id, ...name.split(/[\^=\s,]+/)].map((part) => part.toUpperCase()).filter((part) => part.length >= 3);
  return {
    patient: id !== "" ? id : name === "" ? "" : `${name}\0${text(BIRTH_DATE)}`,
    words: [...new Set(parts)],
    study: text(STUDY_UID),
    series: text(SERIES_UID),
    sopInstance: text(SOP_INSTANCE_UID),
    sopClass: text(SOP_CLASS_UID),
    modality: text(MODALITY),
    burnedIn: text(BURNED_IN),
    recognisable: text(RECOGNISABLE),
  };
}

/** Kinds of images that often carry the patient's name in their pixels. */
const OFTEN_BURNED_IN = new Set(["US", "SC", "OT", "ES", "XC", "DOC", "IVUS", "GM", "ECG"]);
/** Secondary capture, and what is captured from screens in several frames. */
const SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7";
const ENCAPSULATED = "1.2.840.10008.5.1.4.1.1.104.";

/** What the profile cannot take away, since it lies in the pixels or in another format inside the file. */
export function remainingRisks({ burnedIn, recognisable, modality, sopClass }: Identity): string[] {
  const risks: string[] = [];
  if (burnedIn === "YES") risks.push("the file says that identifying text is burned into its pixels");
  else if (burnedIn !== "NO" && (OFTEN_BURNED_IN.has(modality) || isSecondaryCapture(sopClass))) {
    risks.push(
      "images of its kind often have identifying text burned into their pixels, and the file does not deny it",
    );
  }
  if (recognisable === "YES") risks.push("the file says that the patient can be recognised by what it shows");
  if (sopClass.startsWith(ENCAPSULATED)) risks.push("the document inside was replaced by an empty one");
  return risks;
}

function isSecondaryCapture(sopClass: string): boolean {
  return sopClass === SECONDARY_CAPTURE || sopClass.startsWith(`${SECONDARY_CAPTURE}.`);
}
