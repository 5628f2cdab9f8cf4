import { describe, expect, test } from "vitest";
import {
  bootstrapIntervals,
  type ImageSegmentation,
  SEGMENTATION_FIGURES,
  type SegmentationFigures,
  SegmentationMeter,
  type SegmentationOptions,
} from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const organs = { classNames: ["background", "liver", "spleen"] };

/** Images of 6 × 6 noisy pixels; every third has no spleen. */
function filled(options: Partial<SegmentationOptions> = {}, images = 24, groups?: (at: number) => string) {
  const random = RandomStream.for(11, "evaluation");
  const meter = new SegmentationMeter({ ...organs, ...options });
  for (let at = 0; at < images; at++) {
    const draw = () => Uint8Array.from({ length: 36 }, () => random.integer(0, at % 3 === 0 ? 1 : 2));
    const truth = draw();
    const predicted = truth.map((k) => (random.uniform() < 0.4 ? random.integer(0, at % 3 === 0 ? 1 : 2) : k));
    meter.add({ height: 6, width: 6, truth, predicted, spacing: [1, 0.5] }, groups?.(at));
  }
  return meter;
}

/** Mean of a figure of one class, over images that count several times. */
function meanOver(images: readonly ImageSegmentation[], k: number, figure: keyof SegmentationFigures) {
  return (times: Uint32Array): number | null => {
    const values = images.flatMap(({ classes }, at) =>
      Array<number | null>(times[at] as number).fill(classes[k]?.figures[figure] as number | null),
    );
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
}

describe("intervals of segmentations", () => {
  const patients = (at: number) => `patient ${at % 10}`;

  test.each(["worst", "undefined"] as const)("are those of the means of each class, empty masks %s", (empty) => {
    const meter = filled({ empty }, 24, patients);
    const { perClass, intervals } = meter.metrics({ seed: 3, resamples: 200 });
    const groups = meter.images.map((_, at) => patients(at));
    for (const figure of SEGMENTATION_FIGURES) {
      const [liver, spleen] = [0, 1].map((k) => meanOver(meter.images, k, figure));
      const statistic = (times: Uint32Array) => {
        const [a, b] = [liver?.(times) as number | null, spleen?.(times) as number | null];
        return { liver: a, spleen: b, mean: a === null || b === null ? null : (a + b) / 2 };
      };
      const expected = bootstrapIntervals({ cases: 24, groups, seed: 3, resamples: 200, statistic }).intervals;
      const found = { liver: perClass[0]?.intervals, spleen: perClass[1]?.intervals, mean: intervals };
      for (const name of ["liver", "spleen", "mean"] as const) {
        expect(expected[name].reason).toBeUndefined();
        expect(found[name]?.[figure].low).toBeCloseTo(expected[name].low as number, 12);
        expect(found[name]?.[figure].high).toBeCloseTo(expected[name].high as number, 12);
      }
    }
  });

  test("hold the means, and are told with what was drawn", () => {
    const { mean, intervals, resampling, perClass } = filled({}, 24, patients).metrics({ seed: 3 });
    expect(resampling).toEqual({ groups: 10, resamples: 2000 });
    for (const figure of SEGMENTATION_FIGURES) {
      expect(intervals?.[figure].low).toBeLessThan(mean[figure] as number);
      expect(intervals?.[figure].high).toBeGreaterThan(mean[figure] as number);
    }
    expect(perClass.map(({ index }) => index)).toEqual([1, 2]);
  });

  test("are drawn by the image where no image has a group, and by nothing where nobody asks", () => {
    expect(filled().metrics({ seed: 3 }).resampling?.groups).toBe(24);
    const metrics = filled().metrics();
    expect(metrics).not.toHaveProperty("intervals");
    expect(metrics).not.toHaveProperty("resampling");
    expect(metrics.perClass[0]).not.toHaveProperty("intervals");
  });

  test("survive JSON, with the reason where there is none", () => {
    const metrics = filled({}, 1).metrics({ seed: 3 });
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics);
    expect(metrics.intervals?.dice).toMatchObject({
      low: null,
      high: null,
      reason: expect.stringContaining("fewer than two groups"),
    });
  });

  test("are not of distances in two units, which have no mean", () => {
    const meter = filled();
    const blank = new Uint8Array(36);
    meter.add({ height: 6, width: 6, truth: blank, predicted: blank });
    const { intervals } = meter.metrics({ seed: 3 });
    expect(intervals?.hd95.reason).toBe("not defined on these cases");
    expect(intervals?.dice.low).toBeGreaterThan(0);
  });

  test("leave out a class that no image has where empty masks have no figure", () => {
    const meter = new SegmentationMeter({ ...organs, empty: "undefined" });
    for (const found of [1, 0, 1, 1]) {
      meter.add({ height: 1, width: 2, truth: Uint8Array.of(1, 0), predicted: Uint8Array.of(found, 0) });
    }
    const { mean, intervals, perClass } = meter.metrics({ seed: 3 });
    expect(mean.dice).toBe(0.75);
    expect(intervals?.dice).toEqual(perClass[0]?.intervals?.dice);
    expect(perClass[1]?.intervals?.dice.reason).toBe("not defined on these cases");
  });
});

test("distances can be left out, and nothing else changes", () => {
  const [whole, short] = [filled().metrics(), filled({ distances: false }).metrics()];
  expect(short.mean).toEqual({ ...whole.mean, hd: null, hd95: null, assd: null, nsd: null });
  expect(short.perClass.map(({ pooled }) => pooled)).toEqual(whole.perClass.map(({ pooled }) => pooled));
});

describe("some of the images, classes in another order", () => {
  const patients = (at: number) => `patient ${at % 10}`;
  const chosen = [5, 0, 7, 12, 3];

  test("have the figures of a meter that was given these alone", () => {
    const meter = filled({}, 24, patients);
    const part = meter.select(chosen, [1, 0]);
    expect(part.images.map(({ classes }) => classes)).toEqual(
      chosen.map((at) => (meter.images[at] as ImageSegmentation).classes.toReversed()),
    );
    expect(part.groups).toEqual(chosen.map(patients));
    const metrics = part.metrics();
    expect(metrics).toMatchObject({ n: 5, classNames: ["spleen", "liver"] });
    const once = new Uint32Array(5).fill(1);
    expect(metrics.perClass[0]?.images.dice?.mean).toBeCloseTo(meanOver(part.images, 0, "dice")(once) as number, 12);
  });

  test("keep the background where it is measured", () => {
    const part = filled({ background: true }).select(chosen, [2, 0, 1]);
    expect(part.metrics().classNames).toEqual(["spleen", "background", "liver"]);
  });

  test("a resample's means are those of its images", () => {
    const meter = filled({ empty: "undefined" });
    const times = Uint32Array.from({ length: 24 }, (_, at) => at % 4);
    const found = meter.statistic()(times);
    const [liver, spleen] = [0, 1].map((k) => meanOver(meter.images, k, "dice")(times) as number) as [number, number];
    expect(found["0 dice"]).toBeCloseTo(liver, 12);
    expect(found["mean dice"]).toBeCloseTo((liver + spleen) / 2, 12);
    times.forEach((count, at) => {
      if (at % 3 !== 0) times[at] = 0;
      else times[at] = Math.max(1, count);
    });
    // Every third image has no spleen, in truth or prediction.
    expect(meter.statistic()(times)).toMatchObject({ "1 dice": null, "mean dice": null });
  });
});
