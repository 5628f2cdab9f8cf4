import { spawnSync } from "node:child_process";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FinetuneInput } from "../src/index.ts";
import { count, modelOf, readFlags, UsageError } from "./flags.ts";
import { describeMachine } from "./machine.ts";
import type { EpochRow, Stages } from "./rows.ts";
import { epochTable } from "./tables.ts";
import { configOf } from "./workload.ts";

/** Epochs of each run: the second is timed, in which everything has been loaded once. */
const EPOCHS = 2;

/** How ours runs beside the peer. */
const ways = {
  fp32: {},
  "int8-all, fast maps": { precision: "int8-all", fastMaps: true },
} as const satisfies Readonly<Record<string, Partial<FinetuneInput>>>;

/**
 * `bench epoch`: a whole epoch of fine-tuning by the published recipe, from files to figures, beside the published program's way in
 * PyTorch, one run after the other. FOLDER holds class folders, of which the first images are used.
 */
export async function epochCommand(argv: string[]): Promise<number> {
  const flags = readFlags(
    argv,
    ["data", "model", "batch", "images", "evaluated", "threads", "workers", "python", "json"],
    [],
  );
  if (flags.data === undefined) throw new UsageError("--data: expected a folder of class folders, got nothing");
  const job = {
    model: modelOf(flags.model ?? "base"),
    batch: count("batch", flags.batch, 16),
    images: count("images", flags.images, 160),
    evaluated: count("evaluated", flags.evaluated, 64),
    threads: count("threads", flags.threads, 2),
    workers: count("workers", flags.workers, 2),
  };
  const python = flags.python ?? process.env.MSMAE_PYTHON;
  const scratch = await mkdtemp(join(tmpdir(), "msmae-epoch-"));
  try {
    const parts = { train: job.images, val: job.evaluated };
    await takeImages(flags.data, scratch, parts);
    const runs: EpochRow["runs"] = {};
    for (const [name, way] of Object.entries(ways)) runs[name] = ours(job, way, scratch, join(scratch, name));
    runs["PyTorch eager"] = python ? peer(python, job, scratch) : { skipped: "no Python was named" };
    const row: EpochRow = { ...job, data: flags.data, runs };
    if (flags.json) {
      const document = { ...(await describeMachine(job.threads)), ...row };
      await writeFile(flags.json, `${JSON.stringify(document, null, 1)}\n`);
    }
    console.log(epochTable(row));
    return 0;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

type Job = Omit<EpochRow, "data" | "runs">;

/** Copies the first images of each class folder into folders of splits, as evenly as `parts` can be divided. */
async function takeImages(from: string, to: string, parts: Readonly<Record<string, number>>): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true });
  const classes = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  for (const [index, name] of classes.toSorted().entries()) {
    const files = (await readdir(join(from, name))).toSorted();
    let at = 0;
    for (const [split, images] of Object.entries(parts)) {
      const share = Math.floor((images + index) / classes.length);
      const taken = files.slice(at, at + share);
      if (taken.length < share)
        throw new UsageError(`--images: ${join(from, name)} has ${files.length}, too few for its share of them`);
      for (const file of taken) await cp(join(from, name, file), join(to, "data", split, name, file));
      at += share;
    }
  }
}

function ours(
  { model, batch, threads, workers }: Job,
  way: Partial<FinetuneInput>,
  scratch: string,
  outputDir: string,
): Stages {
  const { patchSize, inputHeight: height, inputWidth: width } = configOf(model);
  const options: FinetuneInput = {
    ...{ dataPath: join(scratch, "data"), outputDir },
    ...{ model: `vit_${model}_patch${patchSize}`, inputSize: { height, width }, init: "scratch", recipe: "paper" },
    ...{ batchSize: batch, threads, workers, epochs: EPOCHS, warmupEpochs: 1, saveEvery: 1000, ...way },
  };
  return said(process.execPath, [fileURLToPath(new URL("epoch-run.ts", import.meta.url)), JSON.stringify(options)]);
}

function peer(python: string, { model, batch, threads, workers }: Job, scratch: string): Stages {
  const script = fileURLToPath(new URL("peers/pytorch/epoch.py", import.meta.url));
  const flags = Object.entries({ model, batch, threads, workers, epochs: EPOCHS });
  const given = flags.flatMap(([name, value]) => [`--${name}`, `${value}`]);
  return said(python, [script, join(scratch, "data/train"), join(scratch, "data/val"), ...given]);
}

function said(program: string, argv: readonly string[]): Stages {
  const { status, signal, stdout, stderr, error } = spawnSync(program, argv, { encoding: "utf8" });
  if (status === 0) return JSON.parse(stdout) as Stages;
  throw new Error(`${program} ended with ${signal ?? status ?? error}: ${stderr.trim().slice(-2000)}`);
}
