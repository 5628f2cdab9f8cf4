import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { openDataset } from "../src/data/dataset.ts";
import { ImageLoader } from "../src/data/loader/loader.ts";
import { Normalizer } from "../src/images/transforms/normalize.ts";
import { count, readFlags, UsageError } from "./flags.ts";
import { describeMachine } from "./machine.ts";

const SIDE = 224;

/** Images per second of each epoch, and their median; the first epoch, which starts threads, is left out. */
interface Speed {
  epochs: number[];
  median: number;
}

/** Both loaders with the same number of workers. */
interface LoaderRow {
  workers: number;
  ours: Speed;
  peer?: Speed;
  /** Ours over the peer's. */
  ratio?: number;
}

/**
 * `bench loader`: images per second from files to normalised float32 [3, 224, 224], beside torchvision's DataLoader:
 * random resized crop (bicubic), mirror, normalisation, nothing kept from epoch to epoch. FOLDER holds class folders.
 */
export async function loaderCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, ["data", "batch", "repeats", "python", "json"], ["dicom"]);
  if (flags.data === undefined) throw new UsageError("--data: expected a folder of class folders, got nothing");
  const batch = count("batch", flags.batch, 64);
  const epochs = count("repeats", flags.repeats, 3) + 1;
  const python = flags.python ?? process.env.MSMAE_PYTHON;
  const rows: LoaderRow[] = [];
  for (const workers of [1, 2]) {
    const ours = speedOf(await timeOurs(flags.data, workers, batch, epochs));
    if (python === undefined) {
      rows.push({ workers, ours });
      continue;
    }
    const peer = speedOf(timePeer(python, [flags.data, `${workers}`, `${batch}`, `${epochs}`], flags.dicom ?? false));
    rows.push({ workers, ours, peer, ratio: ours.median / peer.median });
  }
  const document = { ...(await describeMachine(1)), data: flags.data, batch, side: SIDE, rows };
  const text = `${JSON.stringify(document, null, 1)}\n`;
  if (flags.json) await writeFile(flags.json, text);
  else console.log(text);
  return 0;
}

async function timeOurs(folder: string, workers: number, batchSize: number, epochs: number): Promise<number[]> {
  const { splits } = await openDataset(folder, { seed: 0, valSplit: 0, testSplit: 0, slices: "first", group: "none" });
  await using loader = new ImageLoader(splits.train, {
    inputHeight: SIDE,
    inputWidth: SIDE,
    channels: 3,
    workers,
    // The peer keeps nothing either.
    cacheMb: 0,
  });
  const normalizer = new Normalizer(3);
  const bytes = SIDE * SIDE * 3;
  const speeds: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const started = performance.now();
    let images = 0;
    const options = { epoch, seed: 0, batchSize, augment: true, shuffle: true, dropLast: false };
    for await (const batch of loader.epoch(options)) {
      const held = batch.indices.length;
      // A new tensor for each batch, as the peer makes one.
      const tensor = new Float32Array(held * bytes);
      for (let at = 0; at < held; at++) {
        const place = [at * bytes, (at + 1) * bytes] as const;
        normalizer.normalize(batch.images.subarray(...place), tensor.subarray(...place));
      }
      batch.release();
      images += held;
    }
    speeds.push((1000 * images) / (performance.now() - started));
  }
  return speeds;
}

function timePeer(python: string, args: string[], dicom: boolean): number[] {
  const script = fileURLToPath(new URL("peers/loader_peer.py", import.meta.url));
  const { stdout, stderr, status } = spawnSync(python, [script, ...args, ...(dicom ? ["dicom"] : [])], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the peer failed: ${stderr}`);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { images: number; seconds: number })
    .map(({ images, seconds }) => images / seconds);
}

function speedOf([, ...epochs]: number[]): Speed {
  const sorted = [...epochs].sort((a, b) => a - b);
  return { epochs, median: sorted[sorted.length >> 1] as number };
}
