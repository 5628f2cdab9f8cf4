import type { Split } from "../../../data/dataset.ts";
import type { FileWindow } from "../../../formats/source-image.ts";
import type { WindowRule } from "../../../images/window.ts";
import { emptyPictures, matchRows, missingNote, type RowImage } from "../matching.ts";
import { badCell, cell, requireColumns, type Table } from "../table.ts";
import type { LeftOut, Plan, Preset, SurveyEntry } from "../types.ts";

const TABLE = /^dl_info.*\.csv$/i;
const SPLIT_OF: Readonly<Record<string, Split>> = { "1": "train", "2": "val", "3": "test" };
const TYPES: Readonly<Record<string, string>> = {
  "1": "bone",
  "2": "abdomen",
  "3": "mediastinum",
  "4": "liver",
  "5": "lung",
  "6": "kidney",
  "7": "soft-tissue",
  "8": "pelvis",
};
const UNKNOWN = "-1";
/** `Images_png/000001_01_01/109.png`, or the same with everything in the file name. */
const SLICE = /(?:^|[/_])(\d{6}_\d{2}_\d{2})[/_](\d{1,4})\.png$/i;

/** DeepLesion: key slices of CT with eight coarse types of lesion. */
export const deeplesion: Preset = {
  name: "deeplesion",
  title: "DeepLesion",
  licence: "free for any use with citation and a link to the source (NIH Clinical Center); read its terms",
  source: "https://nihcc.app.box.com/v/DeepLesion",
  citation:
    "Yan K, Wang X, Lu L, Summers RM. DeepLesion: automated mining of large-scale lesion annotations and universal lesion detection with deep learning. Journal of Medical Imaging 5(3), 036501 (2018). doi:10.1117/1.JMI.5.3.036501",
  expects: ["Images_png_01.zip … Images_png_56.zip (or the folder Images_png)", "DL_info.csv"],
  caveats: ["lesion types are published for the validation and the test split only"],
  windowed: true,
  isTable: (file) => TABLE.test(file),
  recognises: (names) => names.some((name) => TABLE.test(name.slice(name.lastIndexOf("/") + 1))),
  plan(survey, { window }) {
    const [table] = survey.tables;
    if (!table) throw survey.wrongArchives("DL_info.csv beside the images");
    const { rows, leftOut } = readSlices(table, window);
    const listed = new Set([...rows.keys(), ...leftOut.map(({ name }) => name)]);
    // Most slices only surround a key slice, and are no samples; empty ones among them do not matter either.
    const idOf = (entry: SurveyEntry) => {
      const id = sliceId(entry.name);
      return id !== undefined && rows.has(id) ? id : undefined;
    };
    const matched = matchRows({ ...survey, empty: [] }, rows, idOf, ({ name }) => `${sliceId(name)}.png`);
    if (matched.images.length === 0) {
      throw survey.wrongArchives(
        "16-bit key slices such as Images_png/000001_01_01/109.png that DL_info.csv gives a type",
      );
    }
    const empty = emptyPictures(survey).filter(({ name }) => listed.has(sliceId(name) ?? ""));
    const unused = survey.pictures.length - matched.images.length;
    const notes = missingNote(matched.missing, rows.size);
    if (unused > 0) notes.push(`${unused} slices are passed over: they are no key slices, or their lesion has no type`);
    const plan: Plan = {
      layout: "folders",
      images: matched.images,
      leftOut: [...leftOut, ...matched.leftOut, ...empty],
      notes,
      sameId: "ambiguous",
    };
    return withTraining(plan);
  },
};

// As published no lesion of the training split has a type: without this, there would be nothing to train on.
function withTraining(plan: Plan): Plan {
  if (plan.images.some(({ split }) => split === "train")) return plan;
  const note =
    "no lesion of the published training split has a type: the published validation split becomes train, from which val is drawn by patient; test is the published one";
  const images = plan.images.map((image) => (image.split === "val" ? { ...image, split: "train" as const } : image));
  return { ...plan, images, notes: [...plan.notes, note] };
}

function sliceId(name: string): string | undefined {
  const [, series, slice] = SLICE.exec(name) ?? [];
  return series === undefined || slice === undefined ? undefined : `${series}_${slice.padStart(3, "0")}`;
}

interface KeySlice {
  types: Set<string>;
  noisy: boolean;
  row: Omit<RowImage, "label">;
}

function readSlices(table: Table, window: WindowRule | undefined): { rows: Map<string, RowImage>; leftOut: LeftOut[] } {
  requireColumns(table, ["file_name", "patient_index", "coarse_lesion_type", "dicom_windows", "train_val_test"]);
  const slices = new Map<string, KeySlice>();
  for (const [at, row] of table.rows.entries()) {
    const id = sliceId(cell(row, "file_name"));
    if (id === undefined) throw badCell(table, at, "file_name", "a name such as 000001_01_01_109.png");
    const split = SPLIT_OF[cell(row, "train_val_test")];
    if (split === undefined) throw badCell(table, at, "train_val_test", "1, 2 or 3");
    const type = cell(row, "coarse_lesion_type");
    if (type !== UNKNOWN && TYPES[type] === undefined) throw badCell(table, at, "coarse_lesion_type", "1 to 8, or -1");
    // A slice with several lesions has a row for each.
    const slice = slices.get(id) ?? {
      types: new Set(),
      noisy: false,
      row: { split, patient: cell(row, "patient_index"), ct: { windows: [windowOf(table, at)], rule: ruleOf(window) } },
    };
    if (type !== UNKNOWN) slice.types.add(type);
    slice.noisy ||= cell(row, "possibly_noisy") === "1";
    slices.set(id, slice);
  }
  const rows = new Map<string, RowImage>();
  const leftOut: LeftOut[] = [];
  for (const [name, { types, noisy, row }] of slices) {
    const [type] = types;
    if (noisy) leftOut.push({ name, reason: "marked as possibly noisy" });
    else if (type === undefined) leftOut.push({ name, reason: "lesion type unknown (-1)" });
    else if (types.size > 1) leftOut.push({ name, reason: "lesions of different types on one slice" });
    else rows.set(name, { ...row, label: TYPES[type] as string });
  }
  return { rows, leftOut };
}

function ruleOf(window: WindowRule | undefined): WindowRule {
  return window ?? { kind: "first" };
}

/** The column holds the darkest and the brightest Hounsfield value, such as `-175,275`. */
function windowOf(table: Table, at: number): FileWindow {
  const [low = Number.NaN, high = Number.NaN] = cell(table.rows[at] ?? {}, "dicom_windows")
    .split(",")
    .map(Number);
  if (!(low < high)) throw badCell(table, at, "dicom_windows", "two values such as -175,275");
  return { kind: "window", name: "", center: (low + high) / 2, width: high - low, shape: "LINEAR_EXACT" };
}
