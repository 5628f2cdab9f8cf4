import type { Interval, SegmentationFigures, SegmentationMetrics } from "../metrics/index.ts";
import { classColour, TRUTH_COLOUR } from "../visual/index.ts";
import { diceChart } from "./charts.ts";
import { decimal, Html, html, nothing, section, table } from "./html.ts";
import { inlineImage } from "./png.ts";
import type { SegmentationSection } from "./types.ts";

type Figure = keyof SegmentationFigures;

/** Figures, tables and pictures of a segmenter on one split. */
export async function segmentationSection({ split, metrics, dice = [], cases }: SegmentationSection): Promise<Html> {
  return section(
    "segmentation",
    `How well it outlines: ${metrics.n} ${split} images`,
    overallTable(metrics),
    rules(metrics),
    perClassTable(metrics),
    dice.length === 0 ? nothing : html`<h3>From image to image</h3><div class="charts">${await diceChart(dice)}</div>`,
    cases.length === 0 ? nothing : await pictures(metrics, cases),
  );
}

/** The figures in the order of the table. */
function figures({ unit, tolerance }: SegmentationMetrics): [figure: Figure, name: string, meaning: string][] {
  const inUnit = unit === "mixed" ? "" : `, in ${unit}`;
  return [
    ["dice", "Dice", "twice the common area over the sum of both areas; 1 is best"],
    ["iou", "IoU", "common area over the area of either (Jaccard); 1 is best"],
    ["sensitivity", "Sensitivity", "share of the true area that is found; 1 is best"],
    ["precision", "Precision", "share of the outlined area that is true; 1 is best"],
    ["hd95", "HD95", `distance from the other outline that 95 % of either stay within${inUnit}; 0 is best`],
    ["hd", "Hausdorff distance", `the largest distance from one outline to the other${inUnit}; 0 is best`],
    ["assd", "Mean surface distance", `average symmetric distance of the outlines${inUnit}; 0 is best`],
    [
      "nsd",
      "Surface Dice",
      `share of both outlines at most ${tolerance}${unit === "mixed" ? "" : ` ${unit}`} from the other; 1 is best`,
    ],
  ];
}

function overallTable(metrics: SegmentationMetrics): Html {
  const { intervals } = metrics;
  const columns = [
    { title: "Figure" },
    { title: intervals ? "Value (95 % interval)" : "Value", numeric: true },
    { title: "What it means" },
  ];
  const rows = figures(metrics).map(([figure, name, meaning]) => {
    const mean = metrics.mean[figure];
    const value = shown(figure, mean);
    return [name, intervals && mean !== null ? `${value} (${range(figure, intervals[figure])})` : value, meaning];
  });
  const over = metrics.perClass.length > 1 ? "Mean over classes of the means over images" : "Mean over images";
  return table(over, columns, rows, "stacked");
}

function perClassTable({ perClass, unit }: SegmentationMetrics): Html {
  const withIntervals = perClass.some(({ intervals }) => intervals);
  const distance = unit === "mixed" ? "HD95" : `HD95 (${unit})`;
  const numeric = [
    ...["Images with it", "Dice"],
    ...(withIntervals ? ["95 % interval"] : []),
    ...["Dice where it is", "IoU", "Sensitivity", "Precision", distance, "Pooled Dice"],
  ];
  const rows = perClass.map(({ class: name, present, images, imagesWithClass, pooled, intervals }) => [
    name,
    String(present),
    decimal(images.dice?.mean ?? null),
    ...(intervals ? [range("dice", intervals.dice)] : []),
    decimal(imagesWithClass.dice?.mean ?? null),
    ...(["iou", "sensitivity", "precision", "hd95"] as const).map((figure) =>
      shown(figure, images[figure]?.mean ?? null),
    ),
    decimal(pooled.dice),
  ]);
  return table(
    "Per class: means over all images, Dice also over those whose truth has the class, and of all pixels together",
    [{ title: "Class" }, ...numeric.map((title) => ({ title, numeric: true }))],
    rows,
  );
}

const EMPTY_RULES: Record<SegmentationMetrics["empty"], string> = {
  worst:
    "Where neither truth nor prediction has a class, the image counts as right (1, distance 0); where one of them has it alone, as wrong (0, and a distance as long as the image's diagonal).",
  undefined:
    "An image has no Dice, IoU and sensitivity of a class that its truth has not, no precision of one that is not predicted, and no distances of either; means leave it out, so that mean distances get better the more is missed.",
};

const SURFACES: Record<SegmentationMetrics["surface"], string> = {
  "border-pixels": "Outlines are the pixels of a mask that have one of their four neighbours outside of it.",
  contour: "Outlines run between pixels and count by their length.",
};

/** What one must know to compare the figures with others. */
function rules({ n, empty, surface, unit, resampling, intervals }: SegmentationMetrics): Html {
  const reasons = new Set(Object.values(intervals ?? {}).flatMap(({ reason }) => reason ?? []));
  const sentences = [
    EMPTY_RULES[empty],
    SURFACES[surface],
    ...(unit === "mixed" ? ["Only some of the images have pixels of a known size: distances have no mean."] : []),
    ...(resampling ? [drawn(resampling, n)] : []),
    ...[...reasons].map((reason) => `No interval (–): ${reason}.`),
  ];
  return html`<ul class="note">${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
}

function drawn({ groups, resamples }: NonNullable<SegmentationMetrics["resampling"]>, n: number): string {
  const what = groups === n ? `the ${n} images` : `the ${groups} groups (patients, lesions or files) of images`;
  return `Intervals are percentiles of ${resamples} bootstrap resamples of ${what}.`;
}

async function pictures({ perClass }: SegmentationMetrics, cases: SegmentationSection["cases"]): Promise<Html> {
  const shownCases = await Promise.all(
    cases.map(async ({ caption, image }) => {
      const picture = await inlineImage(image, `${caption}: outlines of truth and prediction`);
      return html`<figure>${picture}<figcaption>${caption}</figcaption></figure>`;
    }),
  );
  const outlined = perClass.filter(({ index }) => index > 0);
  const several = outlined.length > 1;
  const truth = swatch(TRUTH_COLOUR, 5, several ? "truth, with a tint of the class inside" : "truth");
  const predicted = outlined.map(({ class: name, index }) => swatch(classColour(index), 3, `${name}, predicted`));
  const columns = new Html("grid-template-columns:repeat(auto-fill, minmax(min(100%, 16rem), 1fr))");
  return html`<h3>What it outlines</h3>
<p class="note">${[truth, ...predicted]}</p>
<div class="pictures" style="${columns}">${shownCases}</div>`;
}

/** A line as `outlinePair` draws it, `width` pixels wide, and what it is. */
function swatch(colour: readonly [number, number, number], width: number, meaning: string): Html {
  const line = `display:inline-block;width:1.8rem;height:${width}px;box-sizing:content-box;background:rgb(${colour.join(" ")});border:1px solid #101010;vertical-align:middle`;
  return html`<span style="display:inline-block;margin-right:1.2rem"><i style="${line}"></i> ${meaning}</span>`;
}

function shown(figure: Figure, value: number | null): string {
  const isDistance = figure === "hd" || figure === "hd95" || figure === "assd";
  return isDistance && value !== null ? value.toFixed(2) : decimal(value);
}

function range(figure: Figure, { low, high }: Interval): string {
  return low === null ? "–" : `${shown(figure, low)} to ${shown(figure, high)}`;
}
