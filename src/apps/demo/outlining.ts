import { type DemoOptions, resolveOptions, verbs } from "../../config/index.ts";
import { openDataset } from "../../data/dataset.ts";
import { LESION_RADIUS } from "../../experiments/phantom/draw-phantom.ts";
import type { PhantomSet } from "../../experiments/phantom/make-phantoms.ts";
import { assessModel } from "../../inference/assess-model.ts";
import { masks } from "../../inference/outcomes/masks.ts";
import { drawnCases } from "../../inference/report-pictures.ts";
import { openModel } from "../../inference/session.ts";
import { segmenterKind } from "../../method/kinds/segmenter.ts";
import { SegmentationMeter } from "../../results/metrics/index.ts";
import type { ReportInput } from "../../results/report/index.ts";
import type { Grid } from "../../results/visual/index.ts";
import type { RunHooks } from "../../support/events.ts";

/** Images in the report: two of the best, of the median and of the worst. */
const EXAMPLES = 6;

/** How well a segmenter outlines the lesions of the test images: means over these. */
export interface Outlining {
  dice: number;
  /** Intersection over union. */
  iou: number;
  /** Dice of who has not seen the images: a disc of a lesion's size in the middle of each. */
  chance: number;
}

/** The same with the report's section. */
export interface AssessedOutlines {
  figures: Outlining;
  section: Pick<ReportInput, "segmentation">;
}

/**
 * Measures a segmenter on the phantoms' true masks, and draws what it outlines.
 *
 * @param lesions [images] true lesions of the test images.
 * @throws MsmaeError Data when an image cannot be read; Checkpoint; Device when the engine fails; the signal's reason.
 */
export async function assessOutlines(
  checkpoint: string,
  { table }: PhantomSet,
  lesions: readonly Grid[],
  { seed, threads, device, workers }: DemoOptions,
  hooks: RunHooks,
): Promise<AssessedOutlines> {
  const asked = { checkpoint, dataPath: table, seed, threads, device, workers };
  const options = resolveOptions(verbs.evaluate, asked);
  const data = await openDataset(table, { seed, oneClass: true, require: [options.split] });
  const model = await openModel(checkpoint, [segmenterKind], options);
  try {
    const outcome = masks();
    const { description } = model;
    const samples = outcome.samplesFor(data, data.splits.test, description, table);
    const { result, unreadable } = await assessModel(model, outcome, samples, options, hooks);
    const metrics = outcome.measure(result, description);
    const record = { model, outcome, samples, result, metrics, unreadable, options, root: data.root };
    const cases = await drawnCases(record, outcome.examples(result, EXAMPLES, seed), hooks);
    // Every phantom has a lesion: neither is null.
    const figures = { dice: metrics.dice as number, iou: metrics.iou as number, chance: blindDice(lesions) };
    return { figures, section: outcome.report(metrics, options.split, cases, result, description) };
  } finally {
    await model.close();
  }
}

/** @param lesions [images] non-zero inside. */
function blindDice(lesions: readonly Grid[]): number {
  const meter = new SegmentationMeter({ classNames: ["background", "lesion"], distances: false });
  for (const { height, width, data } of lesions) {
    const predicted = discInTheMiddle(height, width);
    meter.add({ height, width, predicted, truth: Uint8Array.from(data, (value) => Number(value > 0)) });
  }
  return meter.metrics().mean.dice as number;
}

function discInTheMiddle(height: number, width: number): Uint8Array {
  const radius = (width * (LESION_RADIUS[0] + LESION_RADIUS[1])) / 2;
  return Uint8Array.from({ length: height * width }, (_, at) => {
    const x = (at % width) + 0.5 - width / 2;
    const y = Math.floor(at / width) + 0.5 - height / 2;
    return Number(x * x + y * y <= radius * radius);
  });
}
