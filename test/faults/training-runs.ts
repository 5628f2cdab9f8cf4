import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { makePhantoms } from "../../src/experiments/phantom/make-phantoms.ts";
import { flags, loggedEpochs } from "../e2e/runs.ts";

export type Verb = "pretrain" | "finetune";
export const verbs: readonly Verb[] = ["pretrain", "finetune"];

/** Two classes of 32-pixel phantoms: 12 training images, 4 each to validate and to test. */
export async function writeImages(root: string): Promise<void> {
  const imagesPerClass = { train: 6, val: 2, test: 2 };
  await makePhantoms({ outputDir: root, seed: 5, size: 32, classes: 2, imagesPerClass });
}

/**
 * A run of less than a second: two epochs of three steps, or as many as said; maps are made and used, an average is kept, numbered
 * checkpoints are saved, and fine-tuning is validated.
 */
export function command(verb: Verb, dataPath: string, outputDir: string, { seed = 2, epochs = 2 } = {}): string[] {
  const common = { dataPath, outputDir, seed, threads: 1, workers: 0, cacheMb: 16 };
  const sizes = { inputSize: "32x32", batchSize: 4, epochs, warmupEpochs: 1, lr: 1e-3, emaDecay: 0.9, saveEvery: 1 };
  const own =
    verb === "pretrain"
      ? { model: "msmae_vit_micro_patch8", attentionStartEpoch: 1, mapWarmupEpochs: 0, mapInterval: 1 }
      : { model: "vit_micro_patch8", init: "scratch", mapInterval: 1, dropPath: 0.3 };
  return [verb, ...flags({ ...common, ...sizes, ...own }), "--quiet"];
}

/** Where one of these stands there is a run to go on with, be it that it had not yet quite taken its place. */
const begun = ["last.safetensors", join(".unfinished", ".complete"), join(".unfinished", ".moving")];

/** How a user goes on with what stands in the folder: from the last checkpoint, or anew where there is none yet. */
export function continued(argv: readonly string[], outputDir: string): string[] {
  const canResume = begun.some((name) => existsSync(join(outputDir, name)));
  return canResume ? [...argv, "--resume", outputDir] : [...argv];
}

/**
 * What a run leaves, as far as it is the same each time: every file's digest by name, but the log without its times and
 * the metrics without their seconds; of the event files and the environment only that they are there.
 */
export function contents(folder: string): Record<string, unknown> {
  // A lock that could not be removed, or that was left by a kill, counts for nothing once its process has ended.
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== ".lock");
  return Object.fromEntries(
    entries.map((entry) => {
      const { name } = entry;
      if (!entry.isFile()) return [name, "a folder"];
      if (name.startsWith("events.out.tfevents.")) return ["events", true];
      if (name === "env.json") return [name, true];
      if (name === "log.txt") return [name, loggedEpochs(folder)];
      const bytes = readFileSync(join(folder, name));
      if (name === "metrics.json") return [name, { ...(JSON.parse(bytes.toString()) as object), seconds: 0 }];
      // A resumed run says so among its options.
      if (name === "config.yaml") return [name, bytes.toString().replace(/^#.*\nresume:.*\n/m, "")];
      return [name, createHash("sha256").update(bytes).digest("hex")];
    }),
  );
}

/** Names of what is not as in the uninterrupted run. */
export function differences(folder: string, whole: Readonly<Record<string, unknown>>): string[] {
  const now = contents(folder);
  const names = new Set([...Object.keys(whole), ...Object.keys(now)]);
  return [...names].filter((name) => !isDeepStrictEqual(now[name], whole[name])).sort();
}
