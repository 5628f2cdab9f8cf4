import type { CompareOptions } from "../../config/index.ts";
import type { Dataset, Sample } from "../../data/dataset.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { RunEvent, RunHooks } from "../../support/events.ts";
import { openEvaluationData } from "../evaluation-data.ts";
import { readingOf } from "../session.ts";
import type { ComparedModel } from "./compared-model.ts";

/** The images of a split, with their targets as each model counts them. */
export interface SameImages {
  /** [models][images] in one order. */
  samples: Sample[][];
  /** The folder that paths are told relative to. */
  root: string;
}

/**
 * Opens a data set as each model's evaluation would, and makes sure that all of them are to tell the same images. What is
 * to be said of the data is said once; of which models, where it is not of all.
 *
 * @throws MsmaeError Data when the set cannot be opened, or the split is not the same for all models; Config where
 * volumes are cut in several directions.
 */
export async function openSameImages(
  models: readonly ComparedModel[],
  options: CompareOptions,
  hooks: RunHooks,
): Promise<SameImages> {
  const { split, dataPath } = options;
  const said = new Map<string, { event: RunEvent & { message: string }; models: string[] }>();
  const samples: Sample[][] = [];
  let first: Dataset | undefined;
  for (const { name, outcome, description } of models) {
    const onEvent = (event: RunEvent) => {
      if (!("message" in event)) return;
      const known = said.get(event.message) ?? { event, models: [] };
      known.models.push(name);
      said.set(event.message, known);
    };
    const needs = { oneClass: outcome.target.kind === "mask", values: outcome.values?.(description) };
    const data = await openEvaluationData(options, description, { onEvent }, needs);
    first ??= data;
    samples.push(outcome.samplesFor(data, data.splits[split], description, dataPath));
  }
  for (const { event, models: those } of said.values()) {
    const ofAll = those.length === models.length;
    hooks.onEvent?.(ofAll ? event : { ...event, message: `${those.join(", ")}: ${event.message}` });
  }
  checkSameImages(models, samples, options);
  checkDirections(models, samples, options);
  return { samples, root: (first as Dataset).root };
}

function checkSameImages(
  models: readonly ComparedModel[],
  samples: readonly (readonly Sample[])[],
  { split, dataPath }: CompareOptions,
): void {
  const keys = samples.map((own) => own.map(({ path, item }) => `${path}\0${item ?? ""}`));
  const other = keys.findIndex((own) => own.join("\n") !== keys[0]?.join("\n"));
  if (other < 0) return;
  const [a, b] = [new Set(keys[0]), keys[other] as string[]];
  const common = b.filter((key) => a.has(key)).length;
  const counts = `${a.size} for ${models[0]?.name} and ${b.length} for ${models[other]?.name}, ${common} of them the same`;
  throw new MsmaeError("Data", {
    where: `split "${split}" of ${dataPath}`,
    expected: "the same images for every model",
    got: counts,
    todo: "the split is drawn, or slices are chosen, as each model was trained: say which by --split-file and --slices, or compare on a split that the data set names",
  });
}

function checkDirections(
  models: readonly ComparedModel[],
  [samples = []]: readonly (readonly Sample[])[],
  options: CompareOptions,
): void {
  const axes = new Set(models.map(({ description }) => readingOf(description, options).sliceAxis));
  if (axes.size === 1 || samples.every(({ item }) => item === undefined)) return;
  throw new MsmaeError("Config", {
    where: "--slice-axis",
    expected: "one direction in which all models see volumes",
    got: [...axes].join(", "),
    todo: "give --slice-axis, or compare models that were trained on slices of one direction",
  });
}
