import type { LeftOut, PlannedImage, Survey, SurveyEntry } from "./types.ts";

/** What a row of a published table says of its image. */
export type RowImage = Pick<PlannedImage, "label" | "split" | "patient" | "lesion" | "further" | "ct">;

/** Images of the archives with the rows of a table. */
export interface Matched {
  images: PlannedImage[];
  leftOut: LeftOut[];
  /** Rows whose image is in none of the archives. */
  missing: number;
}

/**
 * Brings rows of a table together with the pictures they name.
 *
 * @param rows - by image id in lower case.
 * @param idOf - the id that a picture stands for; undefined for pictures that are of no interest.
 */
export function matchRows(
  survey: Survey,
  rows: ReadonlyMap<string, RowImage>,
  idOf: (entry: SurveyEntry) => string | undefined,
  nameOf: (entry: SurveyEntry) => string = ({ file }) => file,
): Matched {
  const found = new Set<string>();
  const images: PlannedImage[] = [];
  const leftOut: LeftOut[] = emptyPictures(survey);
  for (const source of survey.pictures) {
    const id = idOf(source);
    if (id === undefined) continue;
    const row = rows.get(id);
    if (row) images.push({ source, id, name: nameOf(source), ...row });
    else leftOut.push({ name: source.name, reason: "no row in the table" });
    found.add(id);
  }
  let missing = 0;
  for (const id of rows.keys()) {
    if (found.has(id)) continue;
    missing++;
    leftOut.push({ name: id, reason: "no image in the archives" });
  }
  return { images, leftOut, missing };
}

export function emptyPictures(survey: Survey): LeftOut[] {
  return survey.empty.map(({ name }) => ({ name, reason: "an empty file", odd: true }));
}

/** Pictures that stand nowhere in a data set's folders, or have names that tell nothing of them. */
export function strayPictures({ pictures }: Survey, known: Iterable<SurveyEntry>): LeftOut[] {
  const used = new Set(known);
  const strays = pictures.filter((picture) => !used.has(picture));
  return strays.map(({ name }) => ({ name, reason: "no place or name of this data set", odd: true }));
}

/** For the user, where images of rows are missing. */
export function missingNote(missing: number, rows: number): string[] {
  if (missing === 0) return [];
  return [`${missing} of ${rows} rows have no image in the archives given: if a part was forgotten, give all parts`];
}
