import { describe, expect, test } from "vitest";
import type { OriginalPixels } from "../../../src/data/loader/sample-reader.ts";
import type { Sample, SampleMask } from "../../../src/data/sample.ts";
import { masks } from "../../../src/inference/outcomes/masks.ts";
import type { TruthBatch } from "../../../src/inference/outcomes/outcome.ts";
import { outcomeOf } from "../../../src/inference/outcomes/registry.ts";
import type { Told } from "../../../src/inference/run-images.ts";
import { classifierKind } from "../../../src/method/kinds/classifier.ts";
import { segmenterKind } from "../../../src/method/kinds/segmenter.ts";
import { IGNORED } from "../../../src/support/ignored.ts";

const one = { classNames: ["background", "lesion"], seed: 3 };
const three = { classNames: ["background", "cyst", "lesion", "scar"], seed: 3 };
const size = { height: 2, width: 2 };
const told = (...probabilities: number[]): Told => ({
  size,
  values: { probabilities: Float32Array.from(probabilities) },
});
const image = (more: Partial<OriginalPixels> = {}): OriginalPixels => ({ ...size, ...more });
/** Of any data set whose masks have these classes. */
const relabelled = (maskClasses: string[], samples: Sample[], model = three) =>
  // Only the classes of the masks are looked at.
  masks().samplesFor({ maskClasses } as never, samples, model as never, "data");

describe("samples of a data set", () => {
  const outline = (label: number): SampleMask => ({ path: `${label}.png`, class: label });
  const sample = (...own: SampleMask[]): Sample => ({ path: "a.png", label: 0, masks: own });

  test("name the model's classes, in whatever order the data set has them", () => {
    const [first, second] = relabelled(
      ["background", "scar", "cyst"],
      [sample(outline(1), outline(2)), sample(outline(2))],
    );
    expect(first?.masks).toEqual([
      { path: "1.png", class: 3 },
      { path: "2.png", class: 1 },
    ]);
    expect(second?.masks).toEqual([{ path: "2.png", class: 1 }]);
  });

  test("of label values, too; what is to be ignored stays so, and the background is the background whatever its name", () => {
    const values = new Map([
      [0, 0],
      [7, 1],
      [9, 2],
      [4, IGNORED],
    ]);
    const [found] = relabelled(["nothing", "scar", "lesion"], [sample({ path: "labels.nii", values })]);
    const renamed = new Map([
      [0, 0],
      [7, 3],
      [9, 2],
      [4, IGNORED],
    ]);
    expect(found?.masks).toEqual([{ path: "labels.nii", values: renamed }]);
    // The data set's own stays as it is.
    expect(values.get(7)).toBe(1);
  });

  test("share one mask where they did, and have none where they had none", () => {
    const shared: SampleMask = { path: "labels.nii", values: new Map([[1, 1]]) };
    const [a, b, empty, unknown] = relabelled(
      ["background", "lesion"],
      [sample(shared), sample(shared), sample(), { path: "b.png", label: 0 }],
    );
    expect(a?.masks?.[0]).toBe(b?.masks?.[0]);
    expect(empty?.masks).toEqual([]);
    expect(unknown).not.toHaveProperty("masks");
  });

  test("of classes that the model does not know are refused; numbers are the same however they are written", () => {
    expect(() => relabelled(["background", "lesion", "polyp"], [])).toThrow(
      /classes of the masks of data: expected those the model knows \(background, cyst, lesion, scar\), got polyp/,
    );
    const numbers = { ...three, classNames: ["0", "1", "2", "3"] };
    expect(relabelled(["0.0", "2.0"], [sample(outline(1))], numbers)[0]?.masks).toEqual([{ path: "1.png", class: 2 }]);
  });
});

describe("the line of an image", () => {
  test("has classes, areas and confidences; mm² where the pixels' size is known", () => {
    expect(masks().line(told(0.9, 0.2, 0.6, 0.5), one as never, image({ spacing: [2, 0.25] }))).toEqual({
      ...size,
      classes: Uint8Array.of(1, 0, 1, 1),
      areas: { lesion: { pixels: 3, mm2: 1.5 } },
      confidences: { lesion: expect.closeTo((0.9 + 0.6 + 0.5) / 3, 6) },
    });
    const cautious = masks({ threshold: 0.7 }).line(told(0.9, 0.2, 0.6, 0.5), one as never, image());
    expect(cautious?.areas).toEqual({ lesion: { pixels: 1 } });
  });

  test("of several classes takes the likeliest; a threshold is refused", () => {
    const probabilities = [0.4, 0.1, 0.2, 0.1, 0.3, 0.6, 0.2, 0.1, 0.2, 0.2, 0.3, 0.1, 0.1, 0.1, 0.3, 0.7];
    const line = masks().line(told(...probabilities), three as never, image());
    const asked = () => masks({ threshold: 0.5 }).line(told(...probabilities), three as never, image());
    expect(asked).toThrow(/--threshold: expected a segmenter of one class .*, got 0\.5 for one of background, cyst/);
    expect([...(line?.classes ?? [])]).toEqual([0, 1, 2, 3]);
    expect(line?.confidences).toEqual({
      cyst: expect.closeTo(0.6, 6),
      lesion: expect.closeTo(0.3, 6),
      scar: expect.closeTo(0.7, 6),
    });
  });

  test("is none where an output is not finite, or there is none", () => {
    expect(masks().line(told(0.1, Number.NaN, 0.2, 0.3), one as never, image())).toBeUndefined();
    expect(masks().line({ size, values: {} }, one as never, image())).toBeUndefined();
  });
});

describe("the figures", () => {
  const truthBatch = (truths: number[][]): TruthBatch => {
    const names = truths.map((_, n) => `${n}.png`);
    return {
      ...{ indices: Uint32Array.from(truths.keys()), paths: names, groups: names, images: new Uint8Array() },
      target: { kind: "mask", classes: new Uint8Array() },
      originals: truths.map((classes) => image({ classes: Uint8Array.from(classes) })),
    };
  };
  const measured = (
    outcome = masks(),
    truths = [
      [1, 1, 0, 0],
      [0, 0, 1, IGNORED],
    ],
    model = one,
  ) => {
    const gatherer = outcome.gather(model);
    gatherer.add(truthBatch(truths), [told(0.9, 0.1, 0.1, 0.1), told(0.1, 0.1, 0.9, 0.9)].slice(0, truths.length));
    const result = gatherer.finish();
    return { result, metrics: outcome.measure(result, model) };
  };

  test("leave out pixels that nobody has judged", () => {
    const { metrics } = measured();
    expect(metrics.dice).toBeCloseTo((2 / 3 + 1) / 2, 12);
    expect(metrics.iou).toBeCloseTo((1 / 2 + 1) / 2, 12);
  });

  test("rank epochs by the IoU, then by the Dice", () => {
    const outcome = masks();
    const { metrics } = measured(outcome);
    const { score, loss, metrics: kept } = outcome.validation(metrics);
    expect([score, loss]).toEqual([metrics.iou, 1 - (metrics.dice as number)]);
    expect(Object.keys(kept)).toEqual(["dice", "iou", "sensitivity", "precision"]);
    const nothing = { ...metrics, dice: null, iou: null, sensitivity: null, precision: null };
    expect(outcome.validation(nothing)).toEqual({ metrics: {}, score: 0, loss: 1 });
  });

  test("give validation the same figures without distances and intervals", () => {
    const [whole, quick] = [masks(), masks({ distances: false, intervals: false })];
    const [all, few] = [measured(whole).metrics, measured(quick).metrics];
    expect([all.intervals === undefined, few.intervals, few.hd95]).toEqual([false, undefined, null]);
    expect(quick.validation(few)).toEqual(whole.validation(all));
  });

  test("show the best, the median and the worst images, each once, in that order", () => {
    const outcome = masks({ distances: false });
    const gatherer = outcome.gather(one);
    // Image n has n of its four pixels right, n from 0 to 4 and again.
    const truths = Array.from({ length: 10 }, (_, n) => [1, 1, 1, 1].map((_, i) => Number(i < n % 5)));
    gatherer.add(
      truthBatch(truths),
      truths.map(() => told(0.9, 0.9, 0.9, 0.9)),
    );
    const result = gatherer.finish();
    const chosen = outcome.examples(result, 7, 0);
    expect(chosen.map((i) => i % 5)).toEqual([4, 4, 2, 2, 0, 0]);
    expect(new Set(chosen).size).toBe(6);
    expect(outcome.examples(result, 99, 0)).toHaveLength(10);
    expect(outcome.caption(result, 4, one)).toBe("1 of 10: Dice 1.000");
    expect(outcome.caption(result, 5, one)).toBe("10 of 10: Dice 0.000");
  });
});

test("a classifier takes no options of masks, a segmenter those that are given", () => {
  expect(() => outcomeOf(classifierKind, { threshold: 0.3 })).toThrow(
    /--threshold: .*which outlines, got a classifier/,
  );
  expect(() => outcomeOf(classifierKind, { emptyMasks: "worst" })).toThrow(/--empty-masks/);
  expect(outcomeOf(classifierKind, { threshold: undefined })).toBe(outcomeOf(classifierKind));
  expect(outcomeOf(segmenterKind, { windowOverlap: 0.5 })).toMatchObject({ windowOverlap: 0.5, originals: "pixels" });
  expect(outcomeOf(segmenterKind).originals).toBe(true);
});
