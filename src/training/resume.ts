import { copyFile, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { startEma } from "../engine/parameters/ema.ts";
import type { ParameterStore } from "../engine/parameters/parameter-store.ts";
import { loadWeights } from "../interop/load-weights.ts";
import { describeModelFile, type ModelDescription, readModelFile } from "../interop/model-file.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFault } from "../support/files/atomic-file.ts";
import type { OutputFolder } from "../support/files/output-folder.ts";
import { isFile } from "../support/files/path-kind.ts";
import { loadState, type Progress, readProgress, type TrainingState } from "./checkpoint.ts";
import type { RunData, RunOptions } from "./setup.ts";

/** What versions did that had no such option yet. */
const earlier = {
  ...{ alpha: "black", labelShare: 1, recipe: "paper", precision: "fp32", exchange: "fp32", exchangeParts: 1 },
  ...{
    mapSource: "attention",
    mapHeads: "min-max",
    mapBlocks: "last",
    attended: "hide",
    randomShare: 0,
    fastMaps: false,
  },
};

/** Options that may differ when a run goes on: where it runs and what it keeps, not what it computes. */
const free = new Set([
  "resume",
  "outputDir",
  "overwrite",
  "dataPath",
  // Which image is in which split is part of the data's hash.
  "splitFile",
  "columns",
  "encoding",
  "mergeLabels",
  "threads",
  "workers",
  "cacheMb",
  "device",
  "recompute",
  "exchange",
  "exchangeParts",
  "saveEvery",
  // It is fitted anew after each epoch.
  "temperature",
  "strict",
  "finetune",
  "from",
  "init",
  "allowPartial",
]);

/**
 * Where the run begins: at the start, or where `--resume` left it, with weights and optimiser put back.
 * @throws MsmaeError Checkpoint when the run cannot go on with these options or these data, naming what differs.
 */
export async function beginOrResume(
  verb: string,
  options: RunOptions,
  store: ParameterStore,
  data: RunData,
  folder: OutputFolder,
  hooks: RunHooks,
): Promise<TrainingState> {
  const binding = { ...boundOptions(options), data: data.hash };
  if (options.resume === undefined) {
    if (options.emaDecay !== undefined) startEma(store);
    return {
      progress: {
        verb,
        seed: options.seed,
        epoch: 0,
        batch: 0,
        step: 0,
        sums: {},
        best: null,
        options: binding,
        trainLoss: null,
        log: [],
      },
      task: {},
    };
  }
  const path = await checkpointPath(options.resume);
  const state = await readState(path, { verb, ...binding }, options.epochs, store);
  tellLength(options.epochs, state.progress, hooks);
  // From here on the run is one of these options, its number of epochs among them.
  state.progress.options = binding;
  if (!(await keepBest(path, folder, state.progress))) state.progress.best = null;
  await bringAlong(join(dirname(path), "log.txt"), folder.at("log.txt"));
  return state;
}

async function readState(
  path: string,
  binding: Record<string, unknown>,
  epochs: number,
  store: ParameterStore,
): Promise<TrainingState> {
  try {
    const { description, tensors } = await readModelFile(path, { own: true });
    // Options before weights: a model of another shape is better named by the option that shaped it.
    const progress = await readProgress(path, description.step);
    const unsaid = Object.entries(earlier).filter(([name]) => name in binding);
    checkSame(path, binding, { verb: progress.verb, ...Object.fromEntries(unsaid), ...progress.options });
    checkLength(path, epochs, progress);
    loadWeights(store, tensors, { where: path });
    return await loadState(path, description.step, store);
  } catch (error) {
    throw await withOtherCheckpoints(path, error);
  }
}

/**
 * The options that a run began with, or was last made longer by, in which what is settled at its start is found.
 *
 * @throws MsmaeError Checkpoint when its checkpoint or state cannot be read.
 */
export async function optionsAtStart(resume: string): Promise<Progress["options"]> {
  const path = await checkpointPath(resume);
  try {
    const { description } = await describeModelFile(path);
    return { ...earlier, ...(await readProgress(path, description.step)).options };
  } catch (error) {
    throw await withOtherCheckpoints(path, error);
  }
}

/** A run can be made longer or shorter, but not shorter than it is. */
function checkLength(where: string, epochs: number, { epoch, batch }: Progress): void {
  const begun = epoch + (batch > 0 ? 1 : 0);
  if (epochs >= begun) return;
  throw new MsmaeError("Config", {
    where: "epochs",
    expected: `at least the ${begun} that ${where} has ${batch > 0 ? "begun" : "behind it"}`,
    got: `${epochs}`,
    todo: "give more, or go on from an earlier numbered checkpoint",
  });
}

function tellLength(epochs: number, { epoch, options }: Progress, { onEvent }: RunHooks): void {
  if (options.epochs === epochs) return;
  const message = `a run of ${options.epochs} epochs goes on as one of ${epochs} from epoch ${epoch}: the learning rate follows the cosine that ends after ${epochs}; warm-up and map refreshes stay as they were`;
  onEvent?.({ type: "note", message });
}

/** Brings the best weights along to a new output folder. False where there are none, or not those of this state. */
async function keepBest(resumed: string, folder: OutputFolder, { best }: Progress): Promise<boolean> {
  const [from, to] = [join(dirname(resumed), "best.safetensors"), folder.at("best.safetensors")];
  if (best === null || !(await isFile(from))) return false;
  // Those of a later epoch than the state's: training comes to them again, or, with more epochs, to others.
  if ((await readBest(from)).epoch !== best.epoch) return false;
  await bringAlong(from, to);
  return true;
}

/** Now rather than at the end of the training, when the best weights are needed. */
async function readBest(path: string): Promise<ModelDescription> {
  try {
    return (await readModelFile(path, { own: true })).description;
  } catch (error) {
    if (!(error instanceof MsmaeError)) throw error;
    const todo = "put an undamaged copy there, or move it away: the best of the epochs to come is then kept";
    throw new MsmaeError(error.code, { ...error.parts, todo }, { cause: error });
  }
}

/** Copies a file into a new output folder, where the run has one. */
async function bringAlong(from: string, to: string): Promise<void> {
  if ((await isFile(to)) || !(await isFile(from))) return;
  await copyFile(from, to).catch((error: unknown) => {
    throw writeFault(to, error);
  });
}

/** A fault of a checkpoint, with the numbered checkpoint beside it that one can go on from instead. */
async function withOtherCheckpoints(path: string, error: unknown): Promise<unknown> {
  if (!(error instanceof MsmaeError) || error.code !== "Checkpoint" || error instanceof DifferentRun) return error;
  const names = await readdir(dirname(path)).catch(() => []);
  const epochs = names.flatMap((name) => {
    const epoch = /^checkpoint-(\d+)\.safetensors$/.exec(name)?.[1];
    return epoch === undefined || name === basename(path) ? [] : [Number(epoch)];
  });
  if (epochs.length === 0) return error;
  const other = join(dirname(path), `checkpoint-${Math.max(...epochs)}.safetensors`);
  return new MsmaeError(
    "Checkpoint",
    { ...error.parts, todo: `go on from the one before with --resume ${other}` },
    { cause: error },
  );
}

/** The checkpoint is whole, but of a run with other options or data: no other checkpoint of it would fit. */
class DifferentRun extends MsmaeError {}

/** The checkpoint that `--resume` means. */
export async function checkpointPath(resume: string): Promise<string> {
  const found = await stat(resume).catch(() => undefined);
  return found?.isDirectory() ? join(resume, "last.safetensors") : resume;
}

function boundOptions(options: RunOptions): Progress["options"] {
  // Sorted, so that flags in another order give a state of the same bytes.
  const entries = Object.entries(options)
    .filter(([name, value]) => !free.has(name) && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  // As they come back from JSON.
  return JSON.parse(JSON.stringify(Object.fromEntries(entries))) as Progress["options"];
}

function checkSame(where: string, now: Record<string, unknown>, then: Record<string, unknown>): void {
  // The number of epochs alone may change; see checkLength.
  const names = [...new Set([...Object.keys(now), ...Object.keys(then)])].filter((name) => name !== "epochs");
  const differing = names.filter((name) => JSON.stringify(now[name]) !== JSON.stringify(then[name]));
  if (differing.length === 0) return;
  const show = (values: Record<string, unknown>) =>
    differing.map((name) => `${name} ${JSON.stringify(values[name])}`).join(", ");
  throw new DifferentRun("Checkpoint", {
    where,
    expected: `the options the run was started with (${show(then)})`,
    got: show(now),
    todo: "give the same options and data, or start a new run with --finetune",
  });
}
