/** Options of the standard that keep or clean more than the basic profile does. */
export const ANONYMISE_OPTIONS = [
  "uids",
  "device",
  "institution",
  "patient-characteristics",
  "full-dates",
  "modified-dates",
  "descriptors",
  "structured-content",
] as const;
export type AnonymiseOption = (typeof ANONYMISE_OPTIONS)[number];
