import { mkdir, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import type { Arena, ParameterStore } from "../engine/parameters/parameter-store.ts";
import { type ModelDescription, writeModelFile } from "../interop/model-file.ts";
import type { TensorToStore } from "../interop/safetensors.ts";
import { readSafetensorsFile, readSafetensorsHeader, writeSafetensorsFile } from "../interop/safetensors-file.ts";
import { toFloat32 } from "../interop/tensor-values.ts";
import { MsmaeError } from "../support/errors.ts";
import { writeFault } from "../support/files/atomic-file.ts";
import type { TaskState } from "./task.ts";

/**
 * Where a run stands, beside its weights. All random draws are keyed by seed, epoch and sample, so no generator has a
 * state. No time of day and no duration stands here: the same run gives the same bytes.
 */
const progressSchema = z.object({
  verb: z.string(),
  seed: z.number(),
  /** The epoch in hand and how many of its batches are done: 0 when it has not begun. */
  epoch: z.int(),
  batch: z.int(),
  /** Optimiser steps done. */
  step: z.int(),
  /** Sums over the batches done of the epoch in hand. */
  sums: z.record(z.string(), z.number()),
  /** The best validation result so far. */
  best: z.object({ epoch: z.int(), score: z.number(), loss: z.number() }).nullable(),
  /** Options that must be the same to go on, by name. */
  options: z.record(z.string(), z.unknown()),
  /** Mean training loss of the last finished epoch. */
  trainLoss: z.number().nullable(),
  /** What log.txt holds up to here, without its times: what becomes of the file is noticed, and can be mended. */
  log: z.array(z.object({ epoch: z.int() }).catchall(z.union([z.number(), z.string(), z.boolean(), z.null()]))),
});

export type Progress = z.infer<typeof progressSchema>;

export interface TrainingState {
  progress: Progress;
  /** What the task keeps, by name. */
  task: TaskState;
}

const progressKey = "msmae-progress";
/** What of the store a state keeps beside the parameters themselves. */
const arenas: readonly Arena[] = ["firstMoment", "secondMoment", "ema"];

/**
 * Writes `<name>.safetensors` and, beside it, the state needed to go on, `<name>.<step>.state.safetensors`. The state
 * comes first and the weights name its step: a crash between the two leaves the older pair whole.
 *
 * @throws MsmaeError Data when the disk refuses.
 */
export async function saveCheckpoint(
  folder: string,
  name: string,
  store: ParameterStore,
  description: ModelDescription,
  state: TrainingState | undefined,
): Promise<string> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw writeFault(folder, error);
  });
  const path = join(folder, `${name}.safetensors`);
  if (state) {
    const tensors = new Map<string, TensorToStore>();
    for (const arena of arenas) {
      if (!store.keeps(arena)) continue;
      for (const key of store.trainableNames) {
        tensors.set(`${arena}/${key}`, { data: store.quantity(arena, key), shape: store.shapeOf(key) });
      }
    }
    for (const [name, data] of Object.entries(state.task)) tensors.set(name, { data, shape: [data.length] });
    await writeSafetensorsFile(statePath(path, state.progress.step), tensors, {
      [progressKey]: JSON.stringify(state.progress),
    });
  }
  const weights = new Map(store.names.map((key) => [key, { data: store.parameter(key), shape: store.shapeOf(key) }]));
  await writeModelFile(path, description, weights);
  if (state) await removeOlderStates(path, state.progress.step);
  return path;
}

/**
 * Reads the state beside a checkpoint, and puts moments and averages back into the store.
 *
 * @throws MsmaeError Checkpoint when the state is missing, damaged, or not that of the store's model.
 */
export async function loadState(path: string, step: number, store: ParameterStore): Promise<TrainingState> {
  const file = statePath(path, step);
  const { metadata, tensors } = await readSafetensorsFile(file, { own: true });
  for (const arena of arenas.filter((name) => store.keeps(name))) {
    for (const name of store.trainableNames) {
      const key = `${arena}/${name}`;
      const tensor = tensors.get(key);
      if (!tensor) throw damaged(file, `none for "${key}"`);
      const view = store.quantity(arena, name);
      const values = toFloat32(tensor);
      if (values.length !== view.length) throw damaged(file, `"${key}" of ${values.length} values`);
      view.set(values);
    }
  }
  const ofTask = [...tensors].filter(([key]) => !arenas.some((arena) => key.startsWith(`${arena}/`)));
  const task = Object.fromEntries(ofTask.map(([key, tensor]) => [key, toFloat32(tensor)]));
  return { progress: parseProgress(file, metadata[progressKey]), task };
}

/** The progress noted beside a checkpoint, without the tensors. */
export async function readProgress(path: string, step: number): Promise<Progress> {
  const file = statePath(path, step);
  return parseProgress(file, (await readSafetensorsHeader(file)).metadata[progressKey]);
}

function parseProgress(file: string, text: string | undefined): Progress {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    throw damaged(file, "no readable progress");
  }
  const parsed = progressSchema.safeParse(value);
  if (!parsed.success) throw damaged(file, "no readable progress");
  return parsed.data;
}

function statePath(path: string, step: number): string {
  return path.replace(/\.safetensors$/, `.${step}.state.safetensors`);
}

async function removeOlderStates(path: string, step: number): Promise<void> {
  const current = basename(statePath(path, step));
  const name = basename(path, ".safetensors");
  try {
    const older = (await readdir(dirname(path))).filter(
      (file) => file.startsWith(`${name}.`) && file.endsWith(".state.safetensors") && file !== current,
    );
    await Promise.all(older.map((file) => rm(join(dirname(path), file), { force: true })));
  } catch (error) {
    throw writeFault(dirname(path), error);
  }
}

function damaged(where: string, got: string): MsmaeError {
  return new MsmaeError("Checkpoint", {
    where,
    expected: "the state of this run's model",
    got,
    todo: "resume from another checkpoint",
  });
}
