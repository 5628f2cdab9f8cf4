import { describe, expect, test } from "vitest";
import {
  type SegmentationFigures,
  SegmentationMeter,
  type SegmentationOptions,
  type SegmentedImage,
} from "../../../../src/results/metrics/index.ts";

const lesion = { classNames: ["background", "lesion"] };
const organs = { classNames: ["background", "liver", "spleen"] };

/** A picture of one digit a pixel, `x` for what nobody has judged. */
function image(predicted: string[], truth: string[], spacing?: readonly [number, number]): SegmentedImage {
  const map = (rows: string[]) => Uint8Array.from(rows.join(""), (value) => (value === "x" ? 255 : Number(value)));
  return { height: truth.length, width: truth[0]?.length ?? 0, predicted: map(predicted), truth: map(truth), spacing };
}

function figures(one: SegmentedImage, options: Partial<SegmentationOptions> = {}): SegmentationFigures[] {
  return new SegmentationMeter({ ...lesion, ...options }).add(one).classes.map((found) => found.figures);
}

const EMPTY = ["0000", "0000", "0000"];
const SOME = ["0110", "0100", "0000"];

describe("an empty truth or prediction", () => {
  const right = { dice: 1, iou: 1, sensitivity: 1, precision: 1, hd: 0, hd95: 0, assd: 0, nsd: 1 };
  const wrong = { dice: 0, iou: 0, sensitivity: 0, precision: 0, hd: 5, hd95: 5, assd: 5, nsd: 0 };

  test("both: everything is right", () => {
    expect(figures(image(EMPTY, EMPTY))).toEqual([right]);
  });

  test("one of them: everything is wrong, distances are the image's diagonal", () => {
    // Three rows and four columns: 3² + 4² = 5².
    expect(figures(image(EMPTY, SOME))).toEqual([wrong]);
    expect(figures(image(SOME, EMPTY))).toEqual([wrong]);
  });

  test("the diagonal is in millimetres where the image has a spacing", () => {
    const [found] = figures(image(EMPTY, SOME, [4, 1.25]));
    expect(found).toEqual({ ...wrong, hd: 13, hd95: 13, assd: 13 });
  });

  test("or there are no figures, but for those that the other one gives", () => {
    const none = { dice: null, iou: null, sensitivity: null, precision: null, hd: null, hd95: null, assd: null };
    const undef = { empty: "undefined" } as const;
    expect(figures(image(EMPTY, EMPTY), undef)).toEqual([{ ...none, nsd: null }]);
    expect(figures(image(EMPTY, SOME), undef)).toEqual([{ ...none, dice: 0, iou: 0, sensitivity: 0, nsd: 0 }]);
    expect(figures(image(SOME, EMPTY), undef)).toEqual([{ ...none, precision: 0, nsd: 0 }]);
  });
});

test("a mask that is missed lowers the mean by default, and leaves the mean distance as it was where it is undefined", () => {
  const mean = (empty: "worst" | "undefined", predicted: string[]) => {
    const meter = new SegmentationMeter({ ...lesion, empty });
    meter.add(image(SOME, SOME));
    meter.add(image(predicted, SOME));
    return meter.metrics().mean;
  };
  const nearly = ["0110", "0000", "0000"];
  expect(mean("worst", EMPTY).hd95).toBeGreaterThan(mean("worst", nearly).hd95 as number);
  expect(mean("undefined", EMPTY).hd95).toBeLessThan(mean("undefined", nearly).hd95 as number);
});

describe("pixels nobody has judged", () => {
  test("count in no figure, whatever is predicted there", () => {
    const truth = ["0110", "x1xx", "00x0"];
    const seen = figures(image(["0110", "1100", "0010"], truth));
    expect(seen).toEqual(figures(image(["0110", "0111", "0000"], truth)));
    expect(seen[0]?.dice).toBe(1);
    expect(seen[0]?.hd).toBe(0);
  });

  test("where they are all, the image has no figure at all", () => {
    const meter = new SegmentationMeter(lesion);
    meter.add(image(SOME, ["xxxx", "xxxx", "xxxx"]));
    const { n, mean, perClass } = meter.metrics();
    expect(n).toBe(1);
    expect(Object.values(mean).every((value) => value === null)).toBe(true);
    expect(perClass[0]?.images.dice).toBeNull();
  });

  test("can have another value, which is a class without it", () => {
    const seven = image(SOME, ["0110", "0170", "0000"]);
    expect(figures(seven, { ignored: 7 })[0]?.dice).toBe(1);
    expect(() => figures(seven)).toThrow(/true classes: expected class indices from 0 to 1, got 7/);
  });
});

test("each class counts against all others, the background only when asked for", () => {
  const one = image(["1120", "1220", "0000"], ["1120", "1120", "0000"]);
  const [liver, spleen, ...rest] = figures(one, organs);
  expect(rest).toEqual([]);
  expect(liver).toMatchObject({ dice: 6 / 7, iou: 3 / 4, sensitivity: 3 / 4, precision: 1 });
  expect(spleen).toMatchObject({ dice: 4 / 5, iou: 2 / 3, sensitivity: 1, precision: 2 / 3 });
  const [background] = figures(one, { ...organs, background: true });
  expect(background).toMatchObject({ dice: 1, hd: 0 });
});

describe("over a set of images", () => {
  const meter = new SegmentationMeter(organs);
  meter.add(image(["1100"], ["1100"]));
  meter.add(image(["1000"], ["1110"]));
  meter.add(image(["1122"], ["1111"]));
  meter.add(image(["0000"], ["0000"]));
  const metrics = meter.metrics();
  const [liver, spleen] = metrics.perClass;

  test("figures are spread over all images, and over those that have the class", () => {
    // Dice of the liver: 1, 1/2, 2/3, and 1 where there is none.
    const all = { n: 4, mean: (1 + 1 / 2 + 2 / 3 + 1) / 4, q1: 0.625, median: 5 / 6, q3: 1, min: 0.5, max: 1 };
    expect(liver?.present).toBe(3);
    for (const [name, value] of Object.entries(all))
      expect(liver?.images.dice).toHaveProperty(name, expect.closeTo(value));
    expect(liver?.imagesWithClass.dice).toMatchObject({ n: 3, mean: expect.closeTo(13 / 18), median: 2 / 3 });
    expect(spleen?.present).toBe(0);
    expect(spleen?.imagesWithClass.dice).toBeNull();
    expect(spleen?.images.dice).toMatchObject({ n: 4, mean: 3 / 4 });
  });

  test("pooled figures are of all pixels together", () => {
    expect(liver?.pooled).toEqual({
      ...{ truePositives: 5, falsePositives: 0, falseNegatives: 4 },
      ...{ dice: 10 / 14, iou: 5 / 9, sensitivity: 5 / 9, precision: 1 },
    });
  });

  test("the mean is that of the classes' means over all images", () => {
    expect(metrics.mean.dice).toBeCloseTo((19 / 24 + 3 / 4) / 2, 14);
    expect(metrics.classNames).toEqual(["liver", "spleen"]);
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics);
  });
});

test("distances of images with and without a spacing are not mixed", () => {
  const meter = new SegmentationMeter(lesion);
  meter.add(image(SOME, SOME, [1, 1]));
  expect(meter.metrics()).toMatchObject({ unit: "mm", mean: { hd: 0, nsd: 1 } });
  meter.add(image(SOME, SOME));
  expect(meter.metrics()).toMatchObject({
    unit: "mixed",
    mean: { dice: 1, hd: null, hd95: null, assd: null, nsd: null },
  });
  expect(new SegmentationMeter(lesion).metrics()).toMatchObject({ n: 0, unit: "pixels", mean: { dice: null } });
});

test("maps of another size and predictions of no class are refused by name", () => {
  const short = { ...image(SOME, SOME), predicted: new Uint8Array(4) };
  expect(() => figures(short)).toThrow(/predicted classes: expected \[3, 4\] = 12 pixels/);
  expect(() => figures(image(["0210", "0000", "0000"], SOME))).toThrow(/predicted classes: .*from 0 to 1, got 2/);
});
