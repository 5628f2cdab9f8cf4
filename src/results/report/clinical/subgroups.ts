import type { Subgroup, Subgroups } from "../../metrics/index.ts";
import { decimal, type Html, html, table } from "../html.ts";
import { percentage, withInterval } from "./estimate.ts";
import type { ClinicalFigures } from "./types.ts";

/** The figures by the values of columns; nothing where none were asked for. */
export function subgroupsPart({ subgroups }: ClinicalFigures): Html[] {
  if (subgroups === undefined) return [];
  return [
    html`<h3>Subgroups</h3>`,
    ...subgroups.flatMap((column) => [columnTable(column), ...smallNotes(column)]),
    html`<p class="note">Each group is measured as if there were no others. Differences between many groups are found by chance, and none is tested here.</p>`,
  ];
}

const TOO_FEW = "too few to tell";

function columnTable({ column, subgroups }: Subgroups): Html {
  const [first] = subgroups;
  const positive = first?.figures.classNames.length === 2 ? first.figures.classNames[1] : undefined;
  const titles = [
    "Images",
    "Accuracy, %",
    ...(positive === undefined
      ? ["Balanced accuracy, %", "Macro F1", "Macro AUC"]
      : ["Sensitivity, %", "Specificity, %", "AUC"]),
  ];
  const rows = subgroups.map((group) => [
    nameOf(group),
    String(group.n),
    withInterval(group.figures.figures.accuracy, percentage),
    ...(positive === undefined ? overallCells(group) : positiveCells(group)),
  ]);
  const caption = `By ${column}${positive === undefined ? "" : `; sensitivity, specificity and AUC of ${positive}`}, with 95 % intervals`;
  return table(caption, [{ title: column }, ...titles.map((title) => ({ title, numeric: true }))], rows);
}

function nameOf({ value, tooSmall }: Subgroup): Html {
  const name = value ?? "not known";
  return tooSmall ? html`${name}<br><small class="spread"><b>${TOO_FEW}</b></small>` : html`${name}`;
}

function overallCells({ figures: { figures } }: Subgroup): Html[] {
  return [
    withInterval(figures.balancedAccuracy, percentage),
    withInterval(figures.f1Macro, decimal),
    withInterval(figures.aucMacro, decimal),
  ];
}

function positiveCells({ figures: { perClass } }: Subgroup): (string | Html)[] {
  const positive = perClass[1]?.figures;
  if (!positive) return ["–", "–", "–"];
  return [
    withInterval(positive.sensitivity, percentage),
    withInterval(positive.specificity, percentage),
    withInterval(positive.auc, decimal),
  ];
}

/** Which groups are too small, and for which classes. */
function smallNotes({ subgroups, fewest }: Subgroups): Html[] {
  const whole = subgroups.some(({ tooSmall }) => tooSmall)
    ? [`Groups of fewer than ${fewest.subgroup} patients or images are marked “${TOO_FEW}”.`]
    : [];
  const ofClasses = subgroups
    .filter(({ tooSmall, classesTooSmall }) => !tooSmall && classesTooSmall.length > 0)
    .map(({ value, classesTooSmall }) => `in ${value ?? "not known"}: ${classesTooSmall.join(", ")}`);
  const classes =
    ofClasses.length > 0
      ? [
          `Fewer than ${fewest.class} patients or images with or without a class, so that its figures tell little, ${ofClasses.join("; ")}.`,
        ]
      : [];
  const notes = [...whole, ...classes];
  return notes.length > 0 ? [html`<p class="warning">${notes.join(" ")}</p>`] : [];
}
