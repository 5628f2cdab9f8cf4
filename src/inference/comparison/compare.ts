import { basename } from "node:path";
import { type CompareInput, type CompareOptions, resolveOptions, verbs } from "../../config/index.ts";
import type { ModelDifference, Resampling } from "../../results/metrics/index.ts";
import type { RunHooks } from "../../support/events.ts";
import { OutputFolder } from "../../support/files/output-folder.ts";
import { evaluationFiles } from "../evaluation-files.ts";
import type { Tells } from "../outcomes/outcome.ts";
import { answersOf } from "./answers.ts";
import { describeModels, toldByAll } from "./compared-model.ts";
import { comparerOf } from "./comparers.ts";
import { writeComparison } from "./comparison-files.ts";
import { openSameImages } from "./same-images.ts";

/** Two models or more on the same images. */
export interface Comparison {
  split: CompareOptions["split"];
  /** Images that all models could read. */
  n: number;
  /** Those that one of them could not, which count for none. */
  unreadable: number;
  /** What the models tell of an image. */
  tells: Tells;
  /** The classes, findings or outlines, in the order of all figures by class. */
  names: string[];
  /** As they were given, each with its own figures as `eval` tells them, with intervals. */
  models: ({ name: string; checkpoint: string; model: string } & object)[];
  /** Every figure of each pair of models, the first less the second. */
  differences: ModelDifference[];
  resampling: Resampling;
  /** Present when an output folder was given. */
  metricsPath?: string;
  reportPath?: string;
}

/**
 * Compares models on the same images of a data set: each one's figures with 95 % intervals, and the differences of all pairs
 * with intervals and tests. The models run one after the other; images that one of them cannot read count for none.
 *
 * @throws MsmaeError Checkpoint when a checkpoint cannot be used, or the models do not tell the same; Data when the data
 * set cannot be used, its split is another for another model, or the output folder holds other figures or is in use;
 * Device when the engine fails; the signal's reason.
 */
export async function compare(input: CompareInput | CompareOptions, hooks: RunHooks = {}): Promise<Comparison> {
  const options = resolveOptions(verbs.compare, input);
  const { split, outputDir, overwrite, seed } = options;
  const claim = { verb: "compare", kind: evaluationFiles, overwrite, onEvent: hooks.onEvent };
  await using folder = outputDir === undefined ? undefined : await OutputFolder.claim(outputDir, claim);
  const models = await describeModels(options);
  const tells = toldByAll(models);
  const comparer = comparerOf(tells);
  comparer.check(models);
  const images = await openSameImages(models, options, hooks);
  const common = await answersOf(models, images, options, hooks);
  const compared = comparer.compare(common.answers, seed);
  const { names, differences, resampling } = compared;
  const n = common.cases.length;
  const told = {
    ...{ split, n, unreadable: common.unreadable.length, tells, names },
    models: models.map(({ name, path, description }, k) => {
      const about = { name, checkpoint: basename(path), model: description.model };
      return { ...about, ...compared.models[k]?.figures };
    }),
    differences,
    resampling,
  };
  if (!folder) return told;
  const section = { ...compared.section, split, n, models: models.map(({ name }) => name), differences, resampling };
  return { ...told, ...(await writeComparison(folder, { ...common, compared, told, section, images, options })) };
}
