import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SegmentInput } from "../../../src/config/index.ts";
import { SPLITS } from "../../../src/data/dataset.ts";
import type { SegmenterDescription } from "../../../src/interop/model-file.ts";
import { classifier } from "../micro-models.ts";
import { writePhantoms } from "../runs.ts";

/**
 * The phantoms of the other runs with their masks, as two tables: `lesions.csv` of one class of pixels, `kinds.csv` of one
 * for each kind of lesion.
 */
export async function writeMaskedPhantoms(root: string): Promise<{ lesions: string; kinds: string }> {
  await writePhantoms(root);
  const images = SPLITS.flatMap((split) =>
    readdirSync(join(root, split)).flatMap((kind) =>
      readdirSync(join(root, split, kind)).map((name) => ({ kind, split, path: `${split}/${kind}/${name}` })),
    ),
  );
  const table = (name: string, labelOf: (kind: string) => string) => {
    const lines = images.map(({ kind, split, path }) => `${path},${labelOf(kind)},${split},masks/${path}`);
    writeFileSync(join(root, name), `${["path,label,split,mask", ...lines].join("\n")}\n`);
    return join(root, name);
  };
  return { lesions: table("lesions.csv", () => "lesion"), kinds: table("kinds.csv", (kind) => kind) };
}

/** Three epochs of seven batches from drawn weights. */
export function segmenting(dataPath: string, outputDir: string): SegmentInput {
  return {
    dataPath,
    outputDir,
    model: "vit_micro_patch8",
    init: "scratch",
    head: "light",
    headWidth: 8,
    epochs: 3,
    batchSize: 4,
    inputSize: { height: 32, width: 32 },
    lr: 1e-3,
    saveEvery: 1,
    hflip: 0.5,
    ...{ threads: 1, workers: 1, cacheMb: 16, seed: 3 },
  };
}

const { globalPool: _globalPool, ...encoder } = classifier.config;

/** A segmenter of as many classes beside the background, for `writeMicroModel`. */
export function segmenter(classes: readonly string[]): SegmenterDescription {
  const classNames = ["background", ...classes];
  const head = { head: "light", headWidth: 6, taps: [1], deepSupervision: false } as const;
  return {
    ...classifier,
    kind: "segmenter",
    classNames,
    config: { ...encoder, ...head, numClasses: classNames.length },
  };
}
