import type { DataCheckOptions } from "../../config/index.ts";
import { facts, type Html, html } from "../../results/report/html.ts";
import { LARGEST_DISTANCE } from "./hash-index.ts";
import { NEAR_CORRELATION, NEAR_DETAIL } from "./near-duplicates.ts";

/** How things were looked for and what a check cannot see, for the careful reader. */
export function methodSection({
  data,
  seed,
  window,
}: Pick<DataCheckOptions, "seed" | "window"> & { data: string }): Html[] {
  return [
    html`<ul>
<li><strong>Identical</strong>: the decoded pixels are equal in full precision; the file's name, format and compression do not matter, nor whether grey is stored as one channel or as three equal ones. Empty slices of volumes are left out.</li>
<li><strong>Nearly identical</strong>: thumbnails of 32 × 32 pixels, each compared in all four turns and mirrored. Candidates are those whose perceptual hashes (signs of the 63 lowest cosine frequencies) differ in at most ${LARGEST_DISTANCE} bits. One is then shifted and stretched over the other; a pair counts where the grey levels correlate by at least ${NEAR_CORRELATION} and the detail, what is left without the coarse brightness, by at least ${NEAR_DETAIL}.</li>
<li><strong>Counts</strong> across splits are of different pictures in a later split (train before val before test) that stand in an earlier one. Those counted as identical are not counted as nearly identical again.</li>
<li><strong>Patients and lesions</strong>: from the columns patient_id and lesion_id, from PatientID of DICOM files, and pictures of one file. Where a data set names none, they cannot be checked.</li>
<li><strong>Not seen</strong>: one patient in pictures that look different; crops that leave less than about 95 % of a side; turns by other angles than 90°; labels that are wrong but not contradicted by a copy; identity in private attributes or in the pixels.</li>
</ul>`,
    facts([
      { label: "Data", value: data },
      { label: "Window", value: window },
      { label: "Seed of the cross-validation", value: String(seed) },
    ]),
  ];
}
