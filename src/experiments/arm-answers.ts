import type { ParsedTable } from "../data/tables/parse.ts";
import { classAnswers, joinedAnswers, type SeedAnswers, valuedAnswers } from "../results/metrics/index.ts";
import { MsmaeError } from "../support/errors.ts";

/** Of a classifier. @throws MsmaeError Data for another table. */
export function toldClasses(path: string, table: ParsedTable, classNames: readonly string[]): SeedAnswers<string> {
  const [labels = [], predictions = []] = ["class", "predicted"].map((title) =>
    columnOf(path, table, title).map((name) => classNames.indexOf(name)),
  );
  if (labels.includes(-1) || predictions.includes(-1)) throw altered(path, `the classes ${classNames.join(", ")}`);
  return classAnswers(casesOf(path, table), labels, predictions, classNames.length);
}

/** Of a segmenter: of each image the mean over what is outlined. @throws MsmaeError Data for another table. */
export function outlines(path: string, table: ParsedTable, classNames: readonly string[]): SeedAnswers<string> {
  const valuesOf = (figure: string): number[] => {
    const columns = classNames.map((name) => columnOf(path, table, `${figure}(${name})`));
    return table.records.map((_, at) => {
      const defined = columns.map((column) => column[at] ?? "").filter((text) => text !== "");
      return defined.reduce((sum, text) => sum + Number(text), 0) / defined.length;
    });
  };
  return valuedAnswers(casesOf(path, table), { dice: valuesOf("dice"), iou: valuesOf("iou") });
}

/**
 * Of each case with a lesion the share of its map's peak that lies in it; undefined where no case has one.
 *
 * @throws MsmaeError Data for another table.
 */
export function pointingOf(path: string, table: ParsedTable): ReadonlyMap<string, number> | undefined {
  const scores = columnOf(path, table, "pointing");
  const told = casesOf(path, table).flatMap((name, at): [string, number][] =>
    scores[at] === "" ? [] : [[name, Number(scores[at])]],
  );
  return told.length === 0 ? undefined : new Map(told);
}

/** Answers with the pointing game as one more figure; cases without a lesion have no part in it. */
export function withPointing(answers: SeedAnswers<string>, pointing: ReadonlyMap<string, number>): SeedAnswers<string> {
  const values = answers.cases.map((name) => pointing.get(name) ?? Number.NaN);
  return joinedAnswers(answers, valuedAnswers(answers.cases, { pointing: values }));
}

function columnOf(path: string, { titles, records }: ParsedTable, title: string): string[] {
  const at = titles.indexOf(title);
  if (at < 0) throw altered(path, `a column ${title}`);
  return records.map(({ fields }) => fields[at] ?? "");
}

function altered(path: string, expected: string): MsmaeError {
  const todo = "remove it and the folder of the step that wrote it, and run again";
  return new MsmaeError("Data", { where: path, expected, got: "none, or others", todo });
}

/** Path and slice. */
function casesOf(path: string, table: ParsedTable): string[] {
  const slices = table.titles.includes("slice") ? columnOf(path, table, "slice") : [];
  return columnOf(path, table, "path").map((name, at) => `${name} ${slices[at] ?? ""}`);
}
