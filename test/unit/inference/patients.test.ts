import { expect, test } from "vitest";
import { patientFigures, patientTable } from "../../../src/inference/clinical/patients.ts";
import type { Classification } from "../../../src/inference/outcomes/classes.ts";
import { classificationIntervals } from "../../../src/results/metrics/index.ts";
import { patientsPart } from "../../../src/results/report/clinical/patients.ts";
import type { ClinicalFigures, PatientFigures } from "../../../src/results/report/index.ts";
import type { RunEvent } from "../../../src/support/events.ts";

const model = { classNames: ["no", "yes"], seed: 5 };

/** Patients by the probabilities of "yes" of their images and what these are. */
function said(patients: readonly (readonly (readonly [p: number, label: number])[])[]): Classification {
  const images = patients.flatMap((own, patient) => own.map(([p, label]) => ({ p, label, group: `group ${patient}` })));
  const probabilities = Float64Array.from(images.flatMap(({ p }) => [1 - p, p]));
  return {
    probabilities,
    logits: probabilities.map(Math.log),
    labels: Int32Array.from(images, ({ label }) => label),
    groups: images.map(({ group }) => group),
    indices: Uint32Array.from(images.keys()),
    paths: images.map((_, at) => `${at}.png`),
  };
}

const shown = [
  [0.9, 1],
  [0.05, 1],
  [0.05, 1],
] as const;
const clear = [
  [0.1, 0],
  [0.05, 0],
  [0.05, 0],
] as const;
/** Here the largest tells patients apart, and the mean of three does not reach one half. */
const validation = said([shown, clear, shown, clear]);

test("what the validation images choose is applied, and measured with intervals of patients", () => {
  const test = said([
    shown,
    clear,
    clear,
    [[0.8, 1]],
    [
      [0.7, 0],
      [0.2, 1],
    ],
  ]);
  const figures = patientFigures(test, validation, model, { groupedBy: "patient_id" }, {}) as PatientFigures;
  expect(figures).toMatchObject({
    of: "patient",
    n: 5,
    images: 12,
    mostImages: 3,
    mixed: 1,
    leftOut: 0,
    aggregation: "max",
  });
  expect(figures.chosenOn).toMatchObject({ n: 4, by: "logLoss" });
  expect(figures.chosenOn?.candidates.map(({ aggregation }) => aggregation)).toEqual(["mean", "max", "top-2"]);
  const largest = [0.9, 0.1, 0.1, 0.8, 0.7];
  const by = classificationIntervals({
    ...model,
    probabilities: largest.flatMap((p) => [1 - p, p]),
    labels: [1, 0, 0, 1, 1],
  });
  expect(figures.figures.accuracy).toEqual(by.figures.accuracy);
  expect(figures.figures.logLoss.value).toBeCloseTo(by.figures.logLoss.value as number, 12);
  expect(figures.perClass[1]?.figures.auc).toEqual(by.perClass[1]?.figures.auc);
  expect(figures.confusion).toEqual([
    [2, 0],
    [0, 3],
  ]);
});

test("without validation images it is the mean, and says so; images that stand alone have none", () => {
  const test = said([shown, clear]);
  expect(patientFigures(test, undefined, model, {}, {})).toMatchObject({
    aggregation: "mean",
    chosenOn: null,
    of: "file",
  });
  const single = said([[[0.9, 1]], [[0.2, 0]]]);
  expect(patientFigures(test, single, model, {}, {})).toMatchObject({ aggregation: "mean", chosenOn: null });
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent) => void events.push(event);
  expect(patientFigures(single, validation, model, {}, { onEvent })).toBeUndefined();
  expect(events).toEqual([]);
});

test("patients of several classes without an order are left out, and stand in the table without a class", () => {
  const classes = { classNames: ["x", "y", "z"], seed: 5 };
  const test: Classification = {
    probabilities: Float64Array.of(0.6, 0.2, 0.2, 0.2, 0.6, 0.2, 0.1, 0.2, 0.7, 0.7, 0.2, 0.1),
    logits: new Float64Array(12),
    labels: Int32Array.of(0, 1, 2, 0),
    groups: ["group p", "group p", "file /data/c.nii", "group q"],
    indices: Uint32Array.of(0, 1, 3, 4),
    paths: [],
  };
  const figures = patientFigures(test, undefined, classes, { groupedBy: "lesion_id" }, {}) as PatientFigures;
  expect(figures).toMatchObject({ of: "lesion", n: 2, mixed: 1, leftOut: 1, images: 2 });
  expect(patientFigures(test, undefined, { ...classes, target: { kind: "grades" } }, {}, {})).toMatchObject({
    n: 3,
    leftOut: 0,
  });
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent) => void events.push(event);
  const mixed = { ...test, groups: ["p", "p", "p", "p"] };
  expect(patientFigures(mixed, undefined, classes, { groupedBy: "patient_id" }, { onEvent })).toBeUndefined();
  expect(events).toEqual([{ type: "warning", message: expect.stringContaining("no figures per patient: each has") }]);
  // The third image could not be read.
  const samples = ["a", "b", "unreadable", "c.nii", "d"].map((name, at) => ({
    path: `/data/${name}`,
    label: 0,
    ...(at < 2 && { group: "p" }),
    ...(at === 4 && { group: "q" }),
  }));
  const table = patientTable(test, figures, classes, { samples, root: "/data" });
  expect(table[0]).toEqual(["lesion", "images", "class", "predicted", "p(x)", "p(y)", "p(z)"]);
  expect(table.slice(1).map((row) => row.slice(0, 4))).toEqual([
    ["p", "2", "", "x"],
    ["c.nii", "1", "z", "z"],
    ["q", "1", "x", "x"],
  ]);
  expect(table[1]?.slice(4).map(Number)).toEqual([0.4, 0.4, 0.2].map((value) => expect.closeTo(value, 12)));
});

test("the report sets figures of patients beside those of images, and says how they were made", () => {
  const test = said([
    shown,
    clear,
    clear,
    shown,
    [
      [0.7, 0],
      [0.2, 1],
    ],
  ]);
  const patients = patientFigures(test, validation, model, { groupedBy: "patient_id" }, {}) as PatientFigures;
  const { probabilities, labels, groups } = test;
  const { figures: intervals, perClass: intervalsPerClass } = classificationIntervals({
    probabilities,
    labels,
    groups,
    ...model,
  });
  const page = patientsPart({ intervals, intervalsPerClass, patients } as ClinicalFigures)
    .map(({ markup }) => markup)
    .join("\n");
  expect(page).toContain("<h3>Per patient</h3>");
  expect(page).toContain("14 images of 5 patients, of one at most 3");
  expect(page).toContain("the largest of its images, which has the least log-loss on the 4 patients");
  expect(page).toContain("A patient with images of both classes counts as yes: 1.");
  const percent = (value: number | null) => (100 * (value as number)).toFixed(1);
  const cells = page.match(/<th scope="row">Accuracy, %<\/th>[\s\S]*?<\/tr>/)?.[0];
  expect(cells).toContain(`>${percent(intervals.accuracy.value)}<br>`);
  expect(cells).toContain(`>${percent(patients.figures.accuracy.value)}<br>`);
  expect(patientsPart({} as ClinicalFigures)).toEqual([]);
});
