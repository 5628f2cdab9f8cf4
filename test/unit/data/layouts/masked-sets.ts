import { basename } from "node:path";
import sharp from "sharp";
import { type Dataset, SPLITS } from "../../../../src/data/dataset.ts";
import { ImageLoader } from "../../../../src/data/loader/loader.ts";
import type { Sample } from "../../../../src/data/sample.ts";
import { targetOf } from "../../../../src/data/targets/target.ts";

/** A grey PNG, two pixels wide. */
export const grey = (values: readonly number[]): Promise<Buffer> =>
  sharp(Uint8Array.from(values), { raw: { width: 2, height: values.length / 2, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toBuffer();

export const allOf = ({ splits }: Dataset): Sample[] => SPLITS.flatMap((split) => splits[split]);
/** The sample whose file bears a name. */
export const named = (dataset: Dataset, name: string): Sample =>
  allOf(dataset).find(({ path }) => basename(path) === name) as Sample;

/** What a loader gives of each sample: the classes of its pixels, and what it may not be parted from. */
export async function loaded(
  samples: readonly Sample[],
  height = 2,
): Promise<{ classes: number[][]; groups: readonly (string | undefined)[] | undefined }> {
  const size = { inputHeight: height, inputWidth: 2, channels: 1, workers: 0, strict: true } as const;
  await using loader = new ImageLoader(samples, { ...size, target: { kind: "mask" } });
  const { value: batch } = await loader.inOrder({ batchSize: samples.length }).next();
  if (!batch) throw new Error("no batch");
  const { classes } = targetOf(batch, "mask");
  const area = 2 * height;
  const own = samples.map((_, at) => [...classes.slice(at * area, (at + 1) * area)]);
  return { classes: own, groups: batch.groups };
}
