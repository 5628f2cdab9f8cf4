import { matchRows, missingNote, type RowImage } from "../matching.ts";
import { badCell, cell, requireColumns, type Table } from "../table.ts";
import type { LeftOut, Preset } from "../types.ts";

const GRADES = ["0-no-dr", "1-mild", "2-moderate", "3-severe", "4-proliferative"];
const GRADE_TABLE = /^messidor_data\.(csv|tsv|txt)$/i;
const PAIR_TABLE = /^messidor-2\.(csv|txt)$/i;

/** Messidor-2 with the adjudicated grades: five stages of diabetic retinopathy, split by examination. */
export const messidor2: Preset = {
  name: "messidor2",
  title: "Messidor-2 with adjudicated grades of diabetic retinopathy",
  licence:
    "images: for research and education only, after a request to ADCIS; grades: CC0 1.0 (as stated on Kaggle); read the terms of both",
  source:
    "images: https://www.adcis.net/en/third-party/messidor2/ ; grades: https://www.kaggle.com/datasets/google-brain/messidor2-dr-grades",
  citation:
    "Decencière E, et al. Feedback on a publicly distributed image database: the Messidor database. Image Analysis & Stereology 33(3), 231-234 (2014). doi:10.5566/ias.1155; Abràmoff MD, et al. Automated analysis of retinal images for detection of referable diabetic retinopathy. JAMA Ophthalmology 131(3), 351-357 (2013). doi:10.1001/jamaophthalmol.2013.1743; Krause J, et al. Grader variability and the importance of reference standards for evaluating machine learning models for diabetic retinopathy. Ophthalmology 125(8), 1264-1272 (2018). doi:10.1016/j.ophtha.2018.01.034",
  expects: [
    "the images (IMAGES.zip, or IMAGES.zip.001 with its other parts beside it)",
    "messidor_data.csv (adjudicated grades)",
    "messidor-2.csv (left;right pairs; optional, keeps both eyes of an examination in one split)",
  ],
  caveats: ["there is no published split: figures compare only where the split file is shared"],
  isTable: (file) => GRADE_TABLE.test(file) || PAIR_TABLE.test(file),
  recognises: (names) => names.some((name) => GRADE_TABLE.test(name.slice(name.lastIndexOf("/") + 1))),
  plan(survey) {
    const named = (pattern: RegExp) =>
      survey.tables.find(({ name }) => pattern.test(name.slice(name.lastIndexOf("/") + 1)));
    const grades = named(GRADE_TABLE);
    if (!grades) throw survey.wrongArchives("messidor_data.csv with the adjudicated grades");
    const pairs = named(PAIR_TABLE);
    const patients = pairs ? readPairs(pairs) : new Map<string, string>();
    const { rows, ungradable } = readGrades(grades, patients);
    // The table's ids differ from the file names in the case of their extension.
    const matched = matchRows(survey, rows, ({ stem }) => (ungradable.has(stem) ? undefined : stem));
    if (matched.images.length === 0) throw survey.wrongArchives("images that messidor_data.csv lists");
    const leftOut: LeftOut[] = [...ungradable].map((name) => ({ name, reason: "not gradable" }));
    const notes = missingNote(matched.missing, rows.size);
    if (ungradable.size > 0) notes.push(`${ungradable.size} images that the graders found not gradable are left out`);
    if (!pairs) {
      notes.push("without messidor-2.csv the two eyes of one patient may fall into different splits: give it too");
    }
    const { images } = matched;
    return { layout: "folders", images, leftOut: [...leftOut, ...matched.leftOut], notes, sameId: "ambiguous" };
  },
};

function stemOf(file: string): string {
  return file.toLowerCase().replace(/\.[a-z]{3,4}$/, "");
}

function readGrades(
  table: Table,
  patients: ReadonlyMap<string, string>,
): { rows: Map<string, RowImage>; ungradable: Set<string> } {
  requireColumns(table, ["image_id", "adjudicated_dr_grade", "adjudicated_gradable"]);
  const rows = new Map<string, RowImage>();
  const ungradable = new Set<string>();
  for (const [at, row] of table.rows.entries()) {
    const id = stemOf(cell(row, "image_id"));
    const gradable = cell(row, "adjudicated_gradable");
    const grade = cell(row, "adjudicated_dr_grade");
    if (Number(gradable) === 0 || grade === "") ungradable.add(id);
    else {
      const label = GRADES[Number(grade)];
      if (label === undefined) throw badCell(table, at, "adjudicated_dr_grade", "a grade from 0 to 4");
      rows.set(id, { label, patient: patients.get(id) });
    }
  }
  return { rows, ungradable };
}

/** The examination that each image belongs to, named by its first image. */
function readPairs(table: Table): Map<string, string> {
  requireColumns(table, ["left", "right"]);
  const patients = new Map<string, string>();
  for (const row of table.rows) {
    const eyes = [cell(row, "left"), cell(row, "right")].filter((eye) => eye !== "").map(stemOf);
    for (const eye of eyes) patients.set(eye, eyes[0] as string);
  }
  return patients;
}
