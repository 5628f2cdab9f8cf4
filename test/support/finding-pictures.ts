import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { RandomStream } from "../../src/support/random.ts";

/** The findings of the pictures, as the table's columns. */
export const FINDINGS = ["stripes", "spot"];

const SIDE = 32;

/** What the table says of a picture. */
export interface FindingRow {
  path: string;
  split: "train" | "val" | "test";
  /** 1 or 0 each. */
  findings: number[];
  /** How light the picture's ground is, 20 to 80. */
  level: number;
}

/**
 * Pictures that have stripes, a spot, both or neither on noise, and their table `dataset.csv`; every seventh row leaves a
 * finding open.
 */
export async function writeFindingPictures(
  root: string,
  counts: Readonly<Record<FindingRow["split"], number>>,
): Promise<FindingRow[]> {
  mkdirSync(root, { recursive: true });
  const rows: FindingRow[] = [];
  for (const [at, split] of (["train", "val", "test"] as const).entries()) {
    for (let i = 0; i < counts[split]; i++) {
      const stream = RandomStream.for(4, "phantom", at, i);
      const findings = [i % 2, stream.uniform() < 0.4 ? 1 : 0];
      const level = stream.integer(20, 80);
      const path = `${split}-${i}.png`;
      const pixels = drawn(findings, level, stream);
      await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 1 } })
        .png()
        .toFile(join(root, path));
      rows.push({ path, split, findings, level });
    }
  }
  const lines = rows.map(({ path, split, findings, level }, i) => {
    const told = findings.map((value, k) => (i % 7 === 3 && k === i % 2 ? "" : value));
    return [path, split, ...told, level].join();
  });
  writeFileSync(join(root, "dataset.csv"), `path,split,${FINDINGS.join()},level\n${lines.join("\n")}\n`);
  return rows;
}

/** A run of finetune that learns from these pictures, but for data, target and folder. */
export const PICTURE_TRAINING = {
  model: "vit_micro_patch8",
  init: "scratch",
  inputSize: { height: 32, width: 32 },
  inChans: 1,
  batchSize: 8,
  threads: 1,
  workers: 1,
  seed: 3,
  warmupEpochs: 0,
  lr: 2e-3,
  cropMinScale: 0.9,
  dropPath: 0,
  mapInterval: 4,
  epochs: 10,
} as const;

function drawn([stripes, spot]: number[], level: number, stream: RandomStream): Uint8Array {
  const [top, left] = [stream.integer(2, SIDE - 12), stream.integer(2, SIDE - 12)];
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [y, x] = [Math.floor(i / SIDE), i % SIDE];
    const inSpot = y >= top && y < top + 10 && x >= left && x < left + 10;
    return level + stream.integer(0, 20) + (stripes && y % 4 < 2 ? 60 : 0) + (spot && inSpot ? 90 : 0);
  });
}
