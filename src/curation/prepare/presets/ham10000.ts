import { type Matched, matchRows, missingNote, type RowImage } from "../matching.ts";
import { badCell, cell, requireColumns, type Table } from "../table.ts";
import type { Preset } from "../types.ts";

const TABLE = /^ham10000_metadata(\.(csv|tab|tsv|txt))?$/i;

/** HAM10000: seven classes of pigmented skin lesions, split by lesion. */
export const ham10000: Preset = {
  name: "ham10000",
  title: "HAM10000 (Human Against Machine with 10000 training images)",
  licence: "CC BY-NC 4.0",
  source: "https://doi.org/10.7910/DVN/DBW86T",
  citation:
    "Tschandl P, Rosendahl C, Kittler H. The HAM10000 dataset, a large collection of multi-source dermatoscopic images of common pigmented skin lesions. Scientific Data 5, 180161 (2018). doi:10.1038/sdata.2018.161",
  expects: ["HAM10000_images_part_1.zip", "HAM10000_images_part_2.zip", "HAM10000_metadata.csv (or .tab)"],
  caveats: ["classes are strongly unbalanced: quote balanced accuracy or macro F1 beside accuracy"],
  isTable: (file) => TABLE.test(file),
  recognises: (names) => names.some((name) => TABLE.test(name.slice(name.lastIndexOf("/") + 1))),
  plan(survey) {
    const [table] = survey.tables;
    if (!table) throw survey.wrongArchives("HAM10000_metadata.csv beside the images");
    const rows = readRows(table);
    // The lesions' outlines are published in the same place.
    const idOf = ({ stem }: { stem: string }) => (stem.endsWith("_segmentation") ? undefined : stem);
    const { images, leftOut, missing }: Matched = matchRows(survey, rows, idOf);
    if (images.length === 0) throw survey.wrongArchives("images named ISIC_<number>.jpg that the metadata lists");
    return { layout: "folders", images, leftOut, notes: missingNote(missing, rows.size), sameId: "ambiguous" };
  },
};

/** What the table says beside diagnosis and lesion. */
const FURTHER = ["dx_type", "age", "sex", "localization"];

function readRows(table: Table): Map<string, RowImage> {
  requireColumns(table, ["lesion_id", "image_id", "dx"]);
  const rows = new Map<string, RowImage>();
  const further = FURTHER.filter((title) => table.columns.includes(title));
  for (const [at, row] of table.rows.entries()) {
    const label = cell(row, "dx");
    const lesion = cell(row, "lesion_id");
    if (!/^[a-z]+$/.test(label)) throw badCell(table, at, "dx", "a diagnosis such as nv");
    if (lesion === "") throw badCell(table, at, "lesion_id", "the lesion's id");
    rows.set(cell(row, "image_id").toLowerCase(), {
      label,
      lesion,
      further: Object.fromEntries(further.map((title) => [title, cell(row, title)])),
    });
  }
  return rows;
}
