import { availableParallelism } from "node:os";
import { type DemoInput, type DemoOptions, resolveOptions, resolveRun, verbs } from "../../config/index.ts";
import { openDataset } from "../../data/dataset.ts";
import { makePhantoms, type PhantomSet } from "../../experiments/phantom/make-phantoms.ts";
import { assessModel } from "../../inference/assess-model.ts";
import { classes } from "../../inference/outcomes/classes.ts";
import { openModel } from "../../inference/session.ts";
import { classifierKind } from "../../method/kinds/classifier.ts";
import { pretrainedKind } from "../../method/kinds/pretrained.ts";
import { classificationMetrics } from "../../results/metrics/index.ts";
import { encodePng, renderReport } from "../../results/report/index.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { RunHooks } from "../../support/events.ts";
import { writeFileAtomic } from "../../support/files/atomic-file.ts";
import { readEnvironment } from "../../training/records/index.ts";
import { finetune } from "../../training/tasks/finetune.ts";
import { pretrain } from "../../training/tasks/pretrain.ts";
import { segment } from "../../training/tasks/segment.ts";
import { attentionExamples, attentionPicture, readExamples, reconstructionExamples } from "./examples.ts";
import { lookAt } from "./looking.ts";
import { type History, Narration } from "./narration.ts";
import { assessOutlines, type Outlining } from "./outlining.ts";
import { claimFolder, type DemoFolder } from "./output-folder.ts";
import { finetuneRecipe, imageSize, imagesPerClass, pretrainRecipe, segmentRecipe } from "./recipe.ts";
import { demoReport } from "./report.ts";

export interface DemoResult {
  /** Share of the test images whose class was found. */
  accuracy: number;
  /** The accuracy of guessing. */
  chance: number;
  /**
   * Share of the test images whose attention map peaks in the lesion: for the encoder as it was drawn, for the same
   * one after supervised pre-training, and for a random point.
   */
  pointingGame: { random: number; supervised: number; chance: number };
  /** How well the lesions of the test images are outlined after a training on masks. */
  segmentation: Outlining;
  reportPath: string;
  seconds: number;
}

/** Examples of each class in the report. */
const EXAMPLES_PER_CLASS = 2;

/**
 * The whole method in a minute or two: draws phantoms with lesions, pre-trains with supervision, fine-tunes, trains a
 * segmenter, measures on images that training never saw, and writes a report. The same seed draws the same images and trains the same way.
 *
 * @throws MsmaeError Data when the folder holds other files or cannot be written; Device when the engine cannot start;
 * Interrupted when `hooks.signal` stops it.
 * Source: method.md sections 2 to 6.
 */
export async function demo(input: DemoInput | DemoOptions, hooks: RunHooks = {}): Promise<DemoResult> {
  const options = resolveOptions(verbs.demo, input);
  try {
    return await run(options, hooks);
  } catch (error) {
    if (!hooks.signal?.aborted) throw error;
    // Its parts would advise to resume them, which would leave out the rest.
    const todo = "run it again: it starts anew";
    throw new MsmaeError(
      "Interrupted",
      { where: "demo", expected: "to finish", got: "a request to stop", todo },
      { cause: error },
    );
  }
}

async function run(options: DemoOptions, hooks: RunHooks): Promise<DemoResult> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  await using folder = await claimFolder(options.outputDir, hooks);
  const session = { ...options, allowPartial: false };
  const narration = new Narration(hooks);

  narration.next("drawing images, alike but for one small lesion whose kind is the class");
  const set = await drawPhantoms(folder, options, hooks);

  narration.next("supervised pre-training: fill in hidden patches, and name the lesion");
  const pretraining: History = [];
  const pretrainOptions = resolveRun(verbs.pretrain, pretrainRecipe(options, set.root, folder.pretrain));
  const pretrained = await pretrain(pretrainOptions, narration.training(pretraining));

  narration.next("fine-tuning: name the lesion, first from the patches attended most, then from all");
  const finetuning: History = [];
  const finetuneOptions = resolveRun(
    verbs.finetune,
    finetuneRecipe(options, set.root, folder.finetune, pretrained.checkpoint),
  );
  const finetuned = await finetune(finetuneOptions, narration.training(finetuning));

  narration.next("outlining: from the same pre-training, learn the lesion's place from true masks");
  const segmenting: History = [];
  const segmentOptions = resolveRun(
    verbs.segment,
    segmentRecipe(options, set.table, folder.segment, pretrained.checkpoint),
  );
  const segmented = await segment(segmentOptions, narration.training(segmenting));

  narration.next("testing: is the class right, is the lesion looked at, and how well is it outlined?");
  const { splits } = await openDataset(set.root, { seed: options.seed, require: ["test"] });
  const result = await using(await openModel(finetuned.checkpoint, [classifierKind], session), async (classifier) => {
    const run = { ...finetuneOptions, split: "test" } as const;
    return (await assessModel(classifier, classes, splits.test, run, hooks)).result;
  });
  const metrics = classificationMetrics({ ...result, classNames: set.classNames });
  const looking = await using(await openModel(pretrained.checkpoint, [pretrainedKind], session), async (encoder) => {
    const seen = await lookAt(splits.test, set, encoder, options, hooks);
    const examples = await readExamples(splits.test, encoder, result, EXAMPLES_PER_CLASS);
    const onePerClass = examples.filter((_, i) => i % EXAMPLES_PER_CLASS === 0);
    const reconstructions = await reconstructionExamples(onePerClass, seen, encoder, pretrainOptions);
    return { ...seen, attention: attentionExamples(examples, seen), reconstructions };
  });
  const outlines = await assessOutlines(segmented.checkpoint, set, looking.lesions, options, hooks);

  narration.next("writing the report");
  await writeFileAtomic(folder.picture, await encodePng(attentionPicture(looking.attention)));
  const page = await renderReport(
    demoReport({
      options,
      pretrain: { options: pretrainOptions, history: pretraining, seconds: pretrained.seconds },
      finetune: { options: finetuneOptions, history: finetuning, seconds: finetuned.seconds },
      segment: { options: segmentOptions, history: segmenting, seconds: segmented.seconds },
      metrics,
      outlines,
      looking,
      environment: await readEnvironment({ ...options, threads: options.threads || availableParallelism() }),
      seconds: seconds(),
    }),
  );
  await writeFileAtomic(folder.report, page);
  const { random, supervised } = looking.game;
  const summary = {
    accuracy: metrics.accuracy,
    chance: 1 / set.classNames.length,
    // Every phantom has a lesion: none of these is null.
    pointingGame: {
      random: random.hitRate as number,
      supervised: supervised.hitRate as number,
      chance: supervised.chance as number,
    },
    segmentation: outlines.figures,
    reportPath: folder.report,
    seconds: seconds(),
  };
  await folder.finish(summary);
  return summary;
}

async function drawPhantoms(
  { images }: DemoFolder,
  { seed }: DemoOptions,
  { signal, onEvent }: RunHooks,
): Promise<PhantomSet> {
  let announced = false;
  const onProgress = (done: number, total: number) => {
    if (!announced) onEvent?.({ type: "phase", name: "images", total });
    announced = true;
    onEvent?.({ type: "phase-progress", done });
  };
  return makePhantoms({
    outputDir: images,
    seed,
    size: imageSize,
    imagesPerClass,
    onProgress,
    ...(signal && { signal }),
  });
}

/** Uses a model and closes it, whatever happens. */
async function using<S extends { close(): Promise<void> }, R>(session: S, use: (session: S) => Promise<R>): Promise<R> {
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}
