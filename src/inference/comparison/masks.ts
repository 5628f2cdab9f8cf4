import {
  type ImageSegmentation,
  pairedDifferences,
  pairedRows,
  SEGMENTATION_FIGURES,
  type SegmentationMetrics,
} from "../../results/metrics/index.ts";
import type { MaskMetrics, Segmentation } from "../outcomes/masks.ts";
import { alignedNames } from "./aligned-names.ts";
import type { ComparedModel } from "./compared-model.ts";
import type { Comparer } from "./comparer.ts";

/** Outlines: the paired bootstrap of each figure's mean over images. */
export const masks: Comparer<Segmentation> = {
  check: (models) => alignedNames(models, outlined),
  compare(models, seed) {
    const { names, places } = alignedNames(models, outlined);
    const meters = models.map(({ result, at }, k) => result.meter.select(at, places[k] as number[]));
    const own = models.map(({ result, outcome, description }, k) => {
      // Outcomes of outlines measure a meter and give these.
      return outcome.measure({ ...result, meter: meters[k] } as Segmentation, description) as MaskMetrics;
    });
    const [{ groups }] = meters as [(typeof meters)[number]];
    const statistics = meters.map((meter) => meter.statistic());
    const paired = pairedDifferences({ cases: groups.length, groups, models: statistics, seed });
    const rows = pairedRows(
      paired,
      models.map(({ name }) => name),
      (name) => {
        const [of, metric] = name.split(" ") as [string, string];
        return { metric, class: of === "mean" ? undefined : names[Number(of)] };
      },
    );
    const { groups: drawn, mixedGroups, resamples } = paired;
    return {
      names,
      models: own.map((metrics) => ({ metrics, figures: metrics })),
      // Of a single class the mean over classes is its own.
      differences: rows.filter(({ class: name }) => name === undefined || names.length > 1),
      resampling: { groups: drawn, mixedGroups, resamples },
      table: {
        columns: models.flatMap((model) =>
          names.flatMap((name) => COLUMNS.map((figure) => `${figure}(${name}, ${model.name})`)),
        ),
        rows: Array.from(groups, (_, i) => meters.flatMap(({ images }) => valuesOf(images[i] as ImageSegmentation))),
      },
      section: {
        figures: SEGMENTATION_FIGURES.map((metric) => ({
          metric,
          estimates: own.map(({ intervals, ...means }) => ({
            value: means[metric],
            ...(intervals as NonNullable<typeof intervals>)[metric],
          })),
        })),
        main: "dice",
        each: "Class",
        ofClasses: ["dice", "sensitivity", "precision", "hd95"],
        rules: rulesOf(own[0] as MaskMetrics),
      },
    };
  },
};

const COLUMNS = ["dice", "iou", "hd95", "assd", "nsd"] as const;

function outlined({ description }: ComparedModel): string[] {
  return description.classNames.slice(1);
}

function valuesOf({ classes }: ImageSegmentation): string[] {
  return classes.flatMap(({ figures }) => COLUMNS.map((figure) => String(figures[figure] ?? "")));
}

function rulesOf({ unit, tolerance, empty }: Pick<SegmentationMetrics, "unit" | "tolerance" | "empty">): string[] {
  return [
    "Figures are means over images, and over classes where there are several.",
    unit === "mixed"
      ? "Only some of the images have pixels of a known size: distances have no mean."
      : `Distances are in ${unit}; surface Dice allows ${tolerance}.`,
    ...(empty === "undefined"
      ? [
          "Images without a figure are left out of its mean, for each model by itself: means of distances may be of different images.",
        ]
      : []),
  ];
}
