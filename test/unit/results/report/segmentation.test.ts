import { describe, expect, test } from "vitest";
import { diceOfImage, SegmentationMeter, type SegmentationOptions } from "../../../../src/results/metrics/index.ts";
import { type ReportInput, renderReport } from "../../../../src/results/report/index.ts";
import { blankImage, outlinePair } from "../../../../src/results/visual/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const SIZE = 48;
const organs = ["background", "liver", "spleen & co"];

/** Discs, and the same discs elsewhere; every fifth image has no second class. */
function example(
  options: Partial<SegmentationOptions> = {},
  images = 30,
): { input: ReportInput; meter: SegmentationMeter } {
  const random = RandomStream.for(2, "evaluation");
  const meter = new SegmentationMeter({ classNames: organs, ...options });
  const discs = (places: { x: number; y: number; k: number }[]) =>
    Uint8Array.from({ length: SIZE * SIZE }, (_, at) => {
      const found = places.find(({ x, y }) => Math.hypot((at % SIZE) - x, Math.floor(at / SIZE) - y) < 9);
      return found?.k ?? 0;
    });
  const cases = Array.from({ length: images }, (_, at) => {
    const places = [1, 2].map((k) => ({ x: 5 + 14 * k + random.integer(-3, 3), y: 24 + random.integer(-8, 8), k }));
    const here = at % 5 === 0 ? places.slice(0, 1) : places;
    const truth = discs(here);
    const predicted = discs(
      here.map(({ x, y, k }) => ({ x: x + random.integer(-3, 3), y: y + random.integer(-3, 3), k })),
    );
    meter.add({ height: SIZE, width: SIZE, truth, predicted, spacing: [0.5, 0.5] }, `patient ${at % 12}`);
    const map = (data: Uint8Array) => ({ height: SIZE, width: SIZE, data });
    const image = outlinePair(blankImage(24, 24, [90, 90, 90]), map(truth), map(predicted), { numClasses: 3 });
    return { caption: `case <${at}>`, image };
  });
  const dice = meter.images.map(diceOfImage).filter((value) => value !== null);
  const segmentation = { split: "test", metrics: meter.metrics({ seed: 1 }), dice, cases: cases.slice(0, 3) };
  return { input: { title: "organs", segmentation }, meter };
}

/** The texts of the cells of the row that begins with `name`. */
function row(page: string, name: string): string[] {
  const [, cells = ""] = new RegExp(`<tr><th scope="row">${name}</th>(.*?)</tr>`, "s").exec(page) ?? [];
  return [...cells.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, text]) => text as string);
}

describe("a segmenter's report", async () => {
  const { input, meter } = example();
  const page = await renderReport(input);
  const metrics = meter.metrics({ seed: 1 });

  test("has its section, headline figures and contents", () => {
    expect(page).toContain("How well it outlines: 30 test images");
    expect(page).toContain(`<div class="tile"><b>${metrics.mean.dice?.toFixed(3)}</b><span>mean Dice`);
    expect(page).toContain(`<div class="tile"><b>${metrics.mean.iou?.toFixed(3)}</b>`);
  });

  test("tells every figure with its interval, its unit and what it means", () => {
    const { dice, hd95 } = metrics.intervals ?? {};
    expect(row(page, "Dice")[0]).toBe(
      `${metrics.mean.dice?.toFixed(3)} (${dice?.low?.toFixed(3)} to ${dice?.high?.toFixed(3)})`,
    );
    expect(row(page, "HD95")).toEqual([
      `${metrics.mean.hd95?.toFixed(2)} (${hd95?.low?.toFixed(2)} to ${hd95?.high?.toFixed(2)})`,
      expect.stringContaining("in mm; 0 is best"),
    ]);
    expect(row(page, "Surface Dice")[1]).toContain("at most 2 mm");
    expect(page).toContain("2000 bootstrap resamples of the 12 groups");
    expect(page).toContain("as wrong (0, and a distance as long as the image&#39;s diagonal)");
    expect(page).toContain("one of their four neighbours");
  });

  test("tells every class, over all images, over those that have it and pooled", () => {
    const spleen = metrics.perClass[1];
    const cells = row(page, "spleen &#38; co");
    expect(cells[0]).toBe("24");
    expect(cells[1]).toBe(spleen?.images.dice?.mean.toFixed(3));
    expect(cells[3]).toBe(spleen?.imagesWithClass.dice?.mean.toFixed(3));
    expect(cells[3]).not.toBe(cells[1]);
    expect(cells[7]).toBe(spleen?.images.hd95?.mean.toFixed(2));
    expect(cells[8]).toBe(spleen?.pooled.dice?.toFixed(3));
  });

  test("shows the cases with a text each, and what the lines are", () => {
    expect(page.match(/<img [^>]*alt="case &#60;\d&#62;: outlines of truth and prediction"/g)?.length).toBe(3);
    expect(page).toContain("truth, with a tint of the class inside");
    expect(page).toMatch(/background:rgb\(86 180 233\)[^>]*><\/i> liver, predicted/);
    expect(page).toMatch(/background:rgb\(230 159 0\)[^>]*><\/i> spleen &#38; co, predicted/);
  });

  test("draws how Dice is spread over images", () => {
    expect(page).toContain('aria-label="Histogram of Dice over 30 images"');
    expect(page.replace(/base64,[^"]*/g, "")).not.toMatch(/undefined|NaN|null/);
  });
});

describe("a segmenter's report without", () => {
  test("intervals and pictures leaves no trace of them", async () => {
    const { meter } = example({ surface: "contour", empty: "undefined" });
    const page = await renderReport({
      title: "bare",
      segmentation: { split: "val", metrics: meter.metrics(), cases: [] },
    });
    const body = page.slice(page.indexOf("</style>"));
    expect(body).not.toMatch(/interval|predicted<|<svg|<img/);
    expect(row(page, "Dice")[0]).toMatch(/^0\.\d{3}$/);
    expect(page).toContain("Outlines run between pixels");
    expect(page).toContain("distances get better the more is missed");
  });

  test("distances in one unit says so", async () => {
    const { meter } = example();
    const blank = new Uint8Array(4);
    meter.add({ height: 2, width: 2, truth: blank, predicted: blank });
    const segmentation = { split: "test", metrics: meter.metrics({ seed: 1 }), cases: [] };
    const page = await renderReport({ title: "mixed", segmentation });
    expect(row(page, "HD95")[0]).toBe("–");
    expect(page).toContain("distances have no mean");
    expect(page).toContain("No interval (–): not defined on these cases.");
  });
});

describe("the Dice of one image", () => {
  const dice = (truth: number[], predicted: number[], empty: SegmentationOptions["empty"] = "worst") => {
    const meter = new SegmentationMeter({ classNames: organs, empty });
    return diceOfImage(
      meter.add({ height: 1, width: 4, truth: Uint8Array.from(truth), predicted: Uint8Array.from(predicted) }),
    );
  };

  test.each(["worst", "undefined"] as const)("is the mean of the classes that are there, empty masks %s", (empty) => {
    expect(dice([1, 1, 0, 0], [1, 0, 0, 0], empty)).toBeCloseTo(2 / 3);
    expect(dice([1, 1, 0, 0], [1, 0, 2, 0], empty)).toBeCloseTo(1 / 3);
    expect(dice([1, 1, 2, 0], [1, 1, 0, 0], empty)).toBe(0.5);
    expect(dice([0, 0, 0, 0], [0, 0, 0, 0], empty)).toBeNull();
  });
});
