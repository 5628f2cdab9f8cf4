import { parseArgs } from "node:util";
import { messageOf } from "../src/support/errors.ts";
import type { Job } from "./contestant.ts";
import type { Rounds } from "./in-turn.ts";
import { batchOf, type Phase, phases } from "./phases.ts";
import { modelNames } from "./workload.ts";

/** A command line that cannot be understood. */
export class UsageError extends Error {}

/** The values of string flags, and which of the switches are set. @throws UsageError for anything else. */
export function readFlags<Name extends string, Switch extends string>(
  argv: string[],
  names: readonly Name[],
  switches: readonly Switch[],
): Partial<Record<Name, string>> & Partial<Record<Switch, boolean>> {
  const options = Object.fromEntries([
    ...names.map((name) => [name, { type: "string" as const }]),
    ...switches.map((name) => [name, { type: "boolean" as const }]),
  ]);
  try {
    return parseArgs({ args: argv, options }).values as Partial<Record<Name, string>> &
      Partial<Record<Switch, boolean>>;
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

/** A whole number of at least 1. */
export function count(flag: string, text: string | undefined, standard?: number): number {
  const value = text === undefined ? standard : Number(text);
  if (value !== undefined && Number.isInteger(value) && value >= 1) return value;
  throw new UsageError(`--${flag}: expected a whole number of at least 1, got ${text ?? "nothing"}`);
}

export const phaseOf = (text: string | undefined): Phase => choice("phase", text, phases);
export const modelOf = (text: string | undefined): string => choice("model", text, modelNames);

/** The flags of a benchmark of one job. */
export const jobFlags = ["model", "phase", "batch", "threads", "repeats", "warmup", "json"] as const;

/** A model's phase with its usual batch: ViT-B's fine-tuning unless told otherwise. */
export function jobOf(flags: Partial<Record<(typeof jobFlags)[number], string>>): Job {
  const [model, phase] = [modelOf(flags.model ?? "base"), phaseOf(flags.phase ?? "finetune")];
  const batch = count("batch", flags.batch, batchOf(model, phase));
  return { phase, model, batch, threads: count("threads", flags.threads, 2) };
}

export function roundsOf({ repeats, warmup }: { repeats?: string; warmup?: string }, usual = 5): Rounds {
  return { repeats: count("repeats", repeats, usual), warmup: count("warmup", warmup, 2) };
}

/** Names of models with commas between, each once. */
export function modelsOf(text: string | undefined, standard: readonly string[]): string[] {
  return [
    ...new Set(text === undefined ? standard : text.split(",").map((name) => choice("models", name, modelNames))),
  ];
}

export function choice<T extends string>(flag: string, text: string | undefined, values: readonly T[]): T {
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${flag}: expected one of ${values.join(", ")}, got ${text ?? "nothing"}`);
}
