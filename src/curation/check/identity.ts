import type { Keyword } from "../../formats/dicom/tags.ts";
import { parseFile } from "../../formats/node/dicom.ts";
import { readStart } from "../../support/files/regular-file.ts";

/** Attributes that name a person or a place, or lead to them. Source: DICOM PS3.15, table E.1-1. */
const IDENTIFYING = [
  "PatientName",
  "PatientID",
  "PatientBirthDate",
  "PatientBirthTime",
  "PatientAddress",
  "PatientTelephoneNumbers",
  "PatientMotherBirthName",
  "PatientComments",
  "OtherPatientIDs",
  "OtherPatientNames",
  "EthnicGroup",
  "IssuerOfPatientID",
  "AccessionNumber",
  "InstitutionName",
  "InstitutionAddress",
  "InstitutionalDepartmentName",
  "StationName",
  "DeviceSerialNumber",
  "ReferringPhysicianName",
  "RequestingPhysician",
  "PerformingPhysicianName",
  "NameOfPhysiciansReadingStudy",
  "OperatorsName",
  "ImageComments",
] as const satisfies readonly Keyword[];

/** Said instead of an attribute's name for what has no name of its own. */
const PRIVATE_ATTRIBUTES = "private attributes";
const BURNED_IN = "BurnedInAnnotation YES";
const NOT_REMOVED = "PatientIdentityRemoved NO";

/** What takes the place of a value that was removed. */
const DUMMY =
  /^[\s^=x*#_.,-]*$|^0*1?$|^(anon\w*|de-?identified|none|unknown|removed|redacted|hidden|n\/?a|null|no ?name)\b|^(0{8}|1900?0101)$/i;
const HEAD_BYTES = 2 ** 18;
const PIXEL_GROUP = 0x7fe00000;

/**
 * Names of the attributes in a DICOM file's header that may tell who the patient is; never their values. Values that
 * plainly stand for a removed one do not count. Attributes inside sequences are not looked at.
 */
export async function identifyingAttributes(path: string): Promise<string[]> {
  const options = { until: PIXEL_GROUP, decodedBytes: HEAD_BYTES * 16, partial: true };
  const { dataSet } = parseFile(await readStart(path, HEAD_BYTES), path, options);
  const found: string[] = IDENTIFYING.filter((keyword) => dataSet.strings(keyword).some((text) => !DUMMY.test(text)));
  if (isTold(dataSet.string("BurnedInAnnotation"), "YES")) found.push(BURNED_IN);
  if (isTold(dataSet.string("PatientIdentityRemoved"), "NO")) found.push(NOT_REMOVED);
  if ([...dataSet.elements.keys()].some(isPrivate)) found.push(PRIVATE_ATTRIBUTES);
  return found;
}

function isTold(value: string | undefined, wanted: string): boolean {
  return value?.trim().toUpperCase() === wanted;
}

/** Groups of odd numbers are left to makers; nobody knows what stands there. */
function isPrivate(tag: number): boolean {
  return (tag >>> 16) % 2 === 1;
}
