import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FinetuneInput, LinprobeInput, PretrainInput } from "../../src/config/index.ts";
import { makePhantoms } from "../../src/experiments/phantom/make-phantoms.ts";

/** Three classes of 32-pixel phantoms: 30 training images, 6 each to validate and to test. */
export async function writePhantoms(root: string): Promise<string> {
  await makePhantoms({
    outputDir: root,
    seed: 5,
    size: 32,
    classes: 3,
    imagesPerClass: { train: 10, val: 2, test: 2 },
  });
  return root;
}

/** Of trainings that have recipes: what is measured here was made by the paper's. */
const paper = { recipe: "paper" } as const;

const common = { batchSize: 4, inputSize: { height: 32, width: 32 }, threads: 1, workers: 1, cacheMb: 16, seed: 3 };

/** Six epochs of seven batches; masks follow attention from epoch 2 on, and the maps are made anew after 2 and 4. */
export function pretraining(dataPath: string, outputDir: string): PretrainInput {
  const schedule = { epochs: 6, warmupEpochs: 1, attentionStartEpoch: 2, mapWarmupEpochs: 1, mapInterval: 2 };
  const model = "msmae_vit_micro_patch8";
  return { ...common, ...paper, ...schedule, dataPath, outputDir, model, lr: 1e-3, saveEvery: 2 };
}

/** Four epochs of seven batches from drawn weights; the maps are made anew before 0 and 2. */
export function finetuning(dataPath: string, outputDir: string): FinetuneInput {
  const schedule = { epochs: 4, warmupEpochs: 1, mapInterval: 2 };
  return {
    ...common,
    ...paper,
    ...schedule,
    dataPath,
    outputDir,
    model: "vit_micro_patch8",
    init: "scratch",
    lr: 1e-3,
    dropPath: 0.3,
    saveEvery: 2,
  };
}

/** Four epochs of eight batches of features. */
export function probing(dataPath: string, outputDir: string, finetune: string): LinprobeInput {
  const schedule = { epochs: 4, warmupEpochs: 1, saveEvery: 2 };
  return { ...common, ...schedule, dataPath, outputDir, model: "vit_micro_patch8", finetune };
}

/** The same options as flags. */
export function flags(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === true) return [flag];
    if (typeof value !== "object" || value === null) return [flag, String(value)];
    return Array.isArray(value) ? [flag, value.join()] : [flag, Object.values(value).join("x")];
  });
}

const entry = join(import.meta.dirname, "../../src/apps/cli/main.ts");

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs the command line in a process of its own to its end. */
export function msmae(...argv: string[]): Ended {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [entry, ...argv], { encoding: "utf8" });
  return { code: status, signal, stdout, stderr };
}

/** Starts the command line, for a test that signals it. */
export function startMsmae(...argv: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  return started(process.execPath, [entry, ...argv]);
}

/** Starts a program whose last words and end are kept. */
export function started(command: string, argv: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(command, argv);
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => {
      texts[name] += chunk;
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, ...texts }));
  });
  return { child, ended };
}

/** The bytes of every weights and state file of a run, as digests by name. */
export function digests(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".safetensors"));
  return Object.fromEntries(
    names.sort().map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
}

/** log.txt without the times. */
export function loggedEpochs(folder: string): Record<string, unknown>[] {
  const lines = readFileSync(join(folder, "log.txt"), "utf8").trim().split("\n");
  return lines.map((line) =>
    Object.fromEntries(
      Object.entries(JSON.parse(line) as Record<string, unknown>).filter(([name]) => !/seconds|share/.test(name)),
    ),
  );
}
