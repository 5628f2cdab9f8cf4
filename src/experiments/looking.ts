import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type EvalOptions, type PretrainOptions, resolveOptions, resolveRun, verbs } from "../config/index.ts";
import type { Sample } from "../data/dataset.ts";
import { ImageLoader } from "../data/loader/loader.ts";
import { mapsOnLesions } from "../inference/clinical/localisation.ts";
import { openEvaluationData } from "../inference/evaluation-data.ts";
import { openModel, readingOf } from "../inference/session.ts";
import { describeModelFile, kindOf, type ModelDescription } from "../interop/model-file.ts";
import { mean } from "../results/metrics/mean.ts";
import { lookingFigures } from "../results/visual/index.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { dataPathOf } from "./data.ts";
import type { Experiment } from "./experiment.ts";
import { type LesionFates, lesionPatches, meanFates } from "./lesion-fates.ts";
import { OwnMasking } from "./own-masking.ts";
import { type Plan, pretrainOptions } from "./plan.ts";

/** Where a pre-training looks after some epochs, and what its masking would then do, over the test images with a lesion. */
export interface LookingPoint extends LesionFates {
  /** Epochs of pre-training behind it. */
  epoch: number;
  /** Share of the images whose attention peaks in the lesion. */
  pointing: number | null;
  /** Mean over the images of the AUC of attention between the lesion's pixels and the others. */
  auc: number | null;
}

/** What looking.json of a pre-training has. */
export interface Looking {
  /** Test images with a lesion: the ones that count. */
  images: number;
  /** Mean number of a lesion's patches; null without images. */
  patches: number | null;
  /** The epoch from which the pre-training masks by maps, counted from 0; null where it never does. */
  guidedFrom: number | null;
  /** What the same shares of patches drawn uniformly would do, as is to be expected; null without images. */
  uniform: LesionFates | null;
  /** Of each checkpoint that is kept, in order of epochs. */
  points: LookingPoint[];
}

/** In the folder of a pre-training's looking. */
export const LOOKING = "looking.json";
/** Published sets that come with masks. */
const MASKED: ReadonlySet<string> = new Set(["busi", "kvasir-seg"]);

/** Whether the data of a plan has masks, as far as that can be told before it is there. */
export function mayHaveMasks({ data }: Plan): boolean {
  return !("preset" in data) || MASKED.has(data.preset);
}

/** Of which pre-training, and where it stands. */
export interface LookedAt {
  name: string;
  seed: number;
  /** The pre-training's folder, and the one to write to. */
  from: string;
  to: string;
}

/**
 * Measures, of each checkpoint that a pre-training has kept, whether its attention lies on lesions, and what becomes of these
 * in its masking; writes looking.json, without points where the data has no masks.
 *
 * Masks are drawn as the pre-training draws them: by the checkpoint's attention or the maps that it follows instead, also before
 * it does so itself; at random where it always does.
 *
 * @throws MsmaeError as evaluation does.
 */
export async function lookAtLesions(
  experiment: Experiment,
  { name, seed, from, to }: LookedAt,
  hooks: RunHooks,
): Promise<void> {
  const places = { dataPath: dataPathOf(experiment, seed), outputDir: from, seed };
  const options = resolveRun(verbs.pretrain, pretrainOptions(experiment.plan, name, places));
  const checkpoints = await keptCheckpoints(from);
  const { looking, test, description } = await testImages(experiment, seed, join(from, "last.safetensors"), hooks);
  const guidedFrom = options.attentionStartEpoch === "never" ? null : options.attentionStartEpoch;
  const told: Looking = { images: 0, patches: null, guidedFrom, uniform: null, points: [] };
  const masking = await ownMasking(options, description, test, looking, hooks);
  for (const { epoch, path } of checkpoints) {
    const model = await openModel(path, undefined, looking, hooks);
    try {
      const phase = { ...looking, name: `attention after ${epoch} ${epoch === 1 ? "epoch" : "epochs"}` };
      const looked = await mapsOnLesions(model, test, phase, hooks);
      if (!looked || !masking) break;
      const { n, ...figures } = lookingFigures({ maps: looked.maps, masks: looked.lesions });
      const fates = fatesOf(looked, masking);
      if (n === 0 || !fates) break;
      const { drawn, ...same } = fates;
      Object.assign(told, { images: n, ...same });
      told.points.push({ epoch, ...figures, ...drawn });
    } finally {
      await model.close();
    }
  }
  await mkdir(to, { recursive: true });
  await writeFileAtomic(join(to, LOOKING), `${JSON.stringify(told, undefined, 2)}\n`);
}

/** The images that a seed's checkpoint is looked at on, and how it is run on them. */
export async function testImages(experiment: Experiment, seed: number, checkpoint: string, hooks: RunHooks) {
  const { threads, workers, device } = experiment;
  const dataPath = dataPathOf(experiment, seed);
  const looking = {
    ...resolveOptions(verbs.evaluate, { checkpoint, dataPath, threads, workers, device }),
    allowPartial: false,
  };
  const { description } = await describeModelFile(checkpoint);
  // No classes are asked of the images: a pre-training need not be told any.
  const { splits, root } = await openEvaluationData(looking, description, hooks, { oneClass: true });
  return { looking, test: splits.test, root, description };
}

/** How the pre-training masks the images that {@link mapsOnLesions} looks at; undefined where it looks at none. */
async function ownMasking(
  options: PretrainOptions,
  description: ModelDescription,
  samples: readonly Sample[],
  looking: EvalOptions,
  hooks: RunHooks,
): Promise<OwnMasking | undefined> {
  const config = kindOf(description).encoder(description.config);
  const outlined = samples.filter(({ masks = [] }) => masks.length > 0);
  if (!config || outlined.length === 0) return undefined;
  const { inputHeight, inputWidth, inChans } = config;
  await using loader = new ImageLoader(outlined, {
    ...{ inputHeight, inputWidth, channels: inChans as 1 | 3, reading: readingOf(description, looking) },
    ...{ workers: looking.workers, target: { kind: "mask" }, cacheMb: 0 },
  });
  const batchSize = Math.min(looking.batchSize, outlined.length);
  return await OwnMasking.of(options, { config, loader, batchSize, hooks });
}

type Looked = NonNullable<Awaited<ReturnType<typeof mapsOnLesions>>>;

function fatesOf(
  { maps, lesions, indices }: Looked,
  masking: OwnMasking,
): { drawn: LesionFates; uniform: LesionFates; patches: number } | undefined {
  const found = maps.flatMap((map, at) => {
    const lesion = lesionPatches(lesions[at] as Looked["lesions"][number], map);
    if (lesion.length === 0) return [];
    const drawn = masking.fates(map.data, lesion, indices[at] as number);
    return [{ lesion, drawn, uniform: masking.uniform(lesion) }];
  });
  if (found.length === 0) return undefined;
  return {
    drawn: meanFates(found.map(({ drawn }) => drawn)),
    uniform: meanFates(found.map(({ uniform }) => uniform)),
    patches: mean(found.map(({ lesion }) => lesion.length)),
  };
}

/** The checkpoints of a pre-training that is done, with their epochs, in order: numbered ones, and the last. */
async function keptCheckpoints(folder: string): Promise<{ epoch: number; path: string }[]> {
  const paths = (await readdir(folder))
    .filter((name) => /^(checkpoint-\d+|last)\.safetensors$/.test(name))
    .map((name) => join(folder, name));
  const found = await Promise.all(
    paths.map(async (path) => ({ path, epoch: (await describeModelFile(path)).description.epoch })),
  );
  // The last stands there by its number too.
  const byEpoch = new Map(found.map((one) => [one.epoch, one]));
  return [...byEpoch.values()].sort((a, b) => a.epoch - b.epoch);
}
