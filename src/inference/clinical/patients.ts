import type { Dataset, Sample } from "../../data/dataset.ts";
import { relativeName } from "../../data/splits/split-table.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import {
  aggregateGroups,
  aggregationCandidates,
  bestAggregation,
  classificationIntervals,
  confusionMatrix,
  type GroupedCases,
  type GroupedCasesInput,
  groupCases,
} from "../../results/metrics/index.ts";
import type { PatientFigures } from "../../results/report/index.ts";
import type { RunHooks } from "../../support/events.ts";
import { type Classification, likeliest } from "../outcomes/classes.ts";

/** What is to be known of a model. */
type Model = Pick<ModelDescription, "classNames" | "target" | "seed">;

/**
 * The figures of patients, lesions or files with several images: probabilities aggregated as the validation images choose,
 * or by their mean without them. Undefined where every image stands alone, or no patient is of one class.
 */
export function patientFigures(
  result: Classification,
  validation: Classification | undefined,
  model: Model,
  { groupedBy }: Pick<Dataset, "groupedBy">,
  { onEvent }: RunHooks,
): PatientFigures | undefined {
  const input = groupedInput(result, model);
  const grouped = groupCases(input);
  const known = knownOf(grouped);
  if (grouped.members.length === input.labels.length) return undefined;
  const of = groupedBy === "patient_id" ? "patient" : groupedBy === "lesion_id" ? "lesion" : "file";
  if (known.length === 0) {
    const message = `no figures per ${of}: each has images of several classes, which have no order`;
    onEvent?.({ type: "warning", message });
    return undefined;
  }
  const choice = validation && groupedInput(validation, model);
  const candidates = choice ? aggregationCandidates(choice) : [];
  const aggregation = bestAggregation(candidates) ?? "mean";
  const members = known.map((group) => grouped.members[group] as number[]);
  const labels = known.map((group) => grouped.labels[group] as number);
  const { classNames, seed } = model;
  const probabilities = aggregateGroups(input, { members }, aggregation);
  const predictions = rowsOf(probabilities, classNames.length).map(likeliest);
  return {
    of,
    ...classificationIntervals({ probabilities, labels, classNames, seed }),
    confusion: confusionMatrix(labels, predictions, classNames.length),
    images: members.reduce((sum, { length }) => sum + length, 0),
    mostImages: Math.max(...members.map(({ length }) => length)),
    mixed: grouped.mixed,
    leftOut: grouped.members.length - known.length,
    aggregation,
    chosenOn:
      choice && candidates.length > 0 ? { n: knownOf(groupCases(choice)).length, by: "logLoss", candidates } : null,
  };
}

/** What is said of each patient, lesion or file, a line for each below the titles; its class is empty where it has several. */
export function patientTable(
  result: Classification,
  { of, aggregation }: Pick<PatientFigures, "of" | "aggregation">,
  model: Model,
  { samples, root }: { samples: readonly Sample[]; root: string },
): string[][] {
  const { classNames } = model;
  const input = groupedInput(result, model);
  const grouped = groupCases(input);
  const rows = rowsOf(aggregateGroups(input, grouped, aggregation), classNames.length);
  const lines = rows.map((row, group) => {
    const members = grouped.members[group] as number[];
    const first = samples[result.indices[members[0] as number] as number] as Sample;
    const label = grouped.labels[group];
    return [
      first.group ?? relativeName(root, first.path),
      String(members.length),
      label === undefined ? "" : (classNames[label] as string),
      classNames[likeliest(row)] as string,
      ...Array.from(row, String),
    ];
  });
  return [[of, "images", "class", "predicted", ...classNames.map((name) => `p(${name})`)], ...lines];
}

function groupedInput({ probabilities, labels, groups, paths }: Classification, model: Model): GroupedCasesInput {
  const { classNames, target } = model;
  return { probabilities, labels, classNames, groups: groups ?? paths, ordered: target?.kind === "grades" };
}

/** The groups that have a class. */
function knownOf({ labels }: GroupedCases): number[] {
  return [...labels.keys()].filter((group) => labels[group] !== undefined);
}

function rowsOf(probabilities: Float64Array, classes: number): Float64Array[] {
  const count = probabilities.length / classes;
  return Array.from({ length: count }, (_, at) => probabilities.subarray(at * classes, (at + 1) * classes));
}
