import type { Aggregation } from "../../metrics/index.ts";
import { decimal, type Html, html, percent, table } from "../html.ts";
import { percentage, withInterval } from "./estimate.ts";
import type { ClinicalFigures, PatientFigures } from "./types.ts";

/** The figures of patients beside those of their images; nothing where every image stands alone. */
export function patientsPart({ patients, intervals, intervalsPerClass }: ClinicalFigures): Html[] {
  if (patients === undefined) return [];
  const { of, n, images, mostImages } = patients;
  const title = { patient: "Per patient", lesion: "Per lesion", file: "Per file" }[of];
  const overall = (["accuracy", "balancedAccuracy", "f1Macro", "aucMacro", "logLoss", "ece"] as const).map((name) => {
    const shown = name === "accuracy" || name === "balancedAccuracy" ? percentage : decimal;
    return [NAMES[name], withInterval(intervals[name], shown), withInterval(patients.figures[name], shown)];
  });
  const columns = ["Each image", title].map((name) => ({ title: name, numeric: true }));
  const ofClasses = patients.perClass.map(({ class: name, prevalence, figures }, k) => [
    name,
    percent(prevalence),
    withInterval(figures.sensitivity, percentage),
    withInterval(figures.specificity, percentage),
    withInterval(intervalsPerClass[k]?.figures.auc ?? figures.auc, decimal),
    withInterval(figures.auc, decimal),
  ]);
  const titles = ["Prevalence", "Sensitivity, %", "Specificity, %", "AUC of images", `AUC ${title.toLowerCase()}`];
  return [
    html`<h3>${title}</h3>`,
    html`<p class="note">${images} images of ${n} ${of}s, of one at most ${mostImages}. ${howChosen(patients)} ${ofMixed(patients)}</p>`,
    table("Figures of images and of what they are of, with 95 % intervals", [{ title: "Figure" }, ...columns], overall),
    table(
      `Each class against all others, ${title.toLowerCase()}`,
      [{ title: "Class" }, ...titles.map((name) => ({ title: name, numeric: true }))],
      ofClasses,
    ),
  ];
}

const NAMES = {
  accuracy: "Accuracy, %",
  balancedAccuracy: "Balanced accuracy, %",
  f1Macro: "Macro F1",
  aucMacro: "Macro AUC",
  logLoss: "Log-loss",
  ece: "Calibration error",
};

function howChosen({ of, aggregation, chosenOn }: PatientFigures): string {
  const told = `Probabilities of a ${of} are ${inWords(aggregation)} of its images`;
  if (chosenOn === null) return `${told}: there are no validation images of which it could be chosen otherwise.`;
  const tried = chosenOn.candidates.map(({ aggregation: name, logLoss }) => `${name} ${decimal(logLoss)}`);
  return `${told}, which has the least log-loss on the ${chosenOn.n} ${of}s of the validation images (${tried.join(", ")}).`;
}

function inWords(aggregation: Aggregation): string {
  if (aggregation === "mean") return "the mean";
  return aggregation === "max" ? "the largest" : `the mean of the ${aggregation.slice(4)} largest`;
}

function ofMixed({ of, mixed, leftOut, classNames }: PatientFigures): string {
  if (mixed === 0) return "";
  if (leftOut > 0) return `Those with images of several classes are left out: ${leftOut}.`;
  return classNames.length === 2
    ? `A ${of} with images of both classes counts as ${classNames[1]}: ${mixed}.`
    : `A ${of} with images of several grades counts as the highest: ${mixed}.`;
}
