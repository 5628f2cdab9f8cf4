import { type KnnInput, type KnnOptions, resolveOptions, verbs } from "../config/index.ts";
import type { Dataset, Split } from "../data/dataset.ts";
import { type LabelUse, labelledOnly, labelUseOf, labelUseText } from "../data/labels.ts";
import type { ClassificationMetrics } from "../results/metrics/index.ts";
import type { RetrievalExample } from "../results/report/index.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFolder } from "../support/files/output-folder.ts";
import { assessModel } from "./assess-model.ts";
import { openEvaluationData } from "./evaluation-data.ts";
import { evaluationFiles, writeEvaluation } from "./evaluation-files.ts";
import { openFeatureModel } from "./feature-model.ts";
import { type FeatureSet, featureGatherer, featureTarget } from "./features.ts";
import { NeighbourClassifier } from "./neighbour-classifier.ts";
import { type Classification, type ClassificationFigures, classes } from "./outcomes/classes.ts";
import { retrievalExamples } from "./retrieval-examples.ts";
import type { ModelSession } from "./session.ts";

/** The figures of nearest neighbours on one split; the curves behind them stand in metrics.json. */
export type KnnResult = ClassificationFigures & {
  split: KnnOptions["split"];
  /** How many neighbours voted. */
  k: number;
  /** Where several numbers were given, the accuracy of each on the validation split. */
  validation?: { k: number; accuracy: number }[];
  /** Where not all labels of training images are used: how many are, and vote. */
  labels?: LabelUse;
  /** Images that could not be read, and count nowhere. */
  unreadable: number;
  /** Present when an output folder was given. */
  metricsPath?: string;
  reportPath?: string;
};

/** Images in the report. */
const EXAMPLES = 8;

/**
 * Classifies images by the training images that a frozen encoder finds most like them, without training anything.
 *
 * @throws MsmaeError Checkpoint when the checkpoint has no encoder; Config where there are fewer training images than
 * neighbours; Data when the data set cannot be used, or its training images are of one class, or the output folder holds
 * other figures; Device; the signal's reason.
 * Source: Caron et al. 2021, section 4.1.
 */
export async function knn(input: KnnInput | KnnOptions, hooks: RunHooks = {}): Promise<KnnResult> {
  const options = resolveOptions(verbs.knn, input);
  const { split, outputDir, overwrite, features } = options;
  const claim = { verb: "knn", kind: evaluationFiles, overwrite, onEvent: hooks.onEvent };
  await using folder = outputDir === undefined ? undefined : await OutputFolder.claim(outputDir, claim);
  const encoder = await openFeatureModel(options, hooks);
  try {
    const chooses = options.k.length > 1;
    const require: Split[] = chooses ? ["train", "val", split] : ["train", split];
    const { labelShare } = options;
    const whole = await openEvaluationData(options, encoder.description, hooks, { require, labelShare });
    const labels = labelUseOf(whole);
    const data = labels ? labelledOnly(whole) : whole;
    if (labels) hooks.onEvent?.({ type: "note", message: `${labelUseText(labels)} are used: the others are left out` });
    const model = { ...encoder, description: { ...encoder.description, classNames: data.classNames } };
    const bank = (await featuresOfSplit(model, data, "train", options, hooks)).result;
    checkBank(bank, options);
    const search = new NeighbourClassifier(bank, { ...options, classNames: data.classNames, hooks });
    const validation = chooses
      ? await search.accuracies((await featuresOfSplit(model, data, "val", options, hooks)).result, options.k)
      : undefined;
    const k = validation ? mostAccurate(validation) : (options.k[0] as number);
    const { result: queries, unreadable } = await featuresOfSplit(model, data, split, options, hooks);
    const found = await search.nearest(queries);
    const { result, metrics } = search.classify(queries, found, k);
    const told = { k, ...(validation && { validation }), ...(labels && { labels }) };
    const figures = { ...classes.figures(metrics), split, ...told, unreadable: unreadable.length } as KnnResult;
    if (!folder) return figures;
    const chosen = classes.examples(result, EXAMPLES, options.seed);
    const samples = data.splits[split];
    const examples = await retrievalExamples({
      ...{ model, queries, bank, found, chosen, options, hooks, result },
      samples: { queries: samples, bank: data.splits.train },
    });
    const outcome = withRetrieval(examples);
    const record = { model, outcome, samples, result, unreadable, options, root: data.root };
    return {
      ...figures,
      ...(await writeEvaluation(folder, { ...record, metrics: { ...metrics, ...told, features } }, hooks)),
    };
  } finally {
    await encoder.close();
  }
}

function featuresOfSplit(
  model: ModelSession,
  { splits }: Dataset,
  split: Split,
  options: KnnOptions,
  hooks: RunHooks,
): Promise<{ result: FeatureSet; unreadable: string[] }> {
  const { embedDim } = model.kind.encoder(model.description.config) ?? { embedDim: 0 };
  const outcome = { target: featureTarget, gather: () => featureGatherer(embedDim) };
  return assessModel(model, outcome, splits[split], { ...options, split, name: `features of ${split}` }, hooks);
}

/** @throws MsmaeError Data or Config where the training images cannot vote as asked. */
function checkBank({ labels }: FeatureSet, { k, dataPath }: KnnOptions): void {
  if (new Set(labels).size < 2) {
    const [expected, got] = ["training images of at least two classes", "one class only"];
    throw new MsmaeError("Data", { where: dataPath, expected, got, todo: "add images of each further class" });
  }
  const most = Math.max(...k);
  if (most <= labels.length) return;
  const expected = `at most the ${labels.length} training images`;
  throw new MsmaeError("Config", { where: "k", expected, got: String(most), todo: "lower it" });
}

/** The number with the best accuracy; of equals the smallest. */
function mostAccurate(validation: readonly { k: number; accuracy: number }[]): number {
  const best = Math.max(...validation.map(({ accuracy }) => accuracy));
  return Math.min(...validation.filter(({ accuracy }) => accuracy === best).map(({ k }) => k));
}

/** A classifier's figures, with the images that voted. */
function withRetrieval(examples: readonly RetrievalExample[]) {
  const report = (
    metrics: ClassificationMetrics,
    split: string,
    _cases: readonly object[],
    result: Classification,
    description: ModelSession["description"],
  ) => ({
    ...classes.report(metrics, split, [], result, description),
    retrieval: { examples },
  });
  return { ...classes, report };
}
