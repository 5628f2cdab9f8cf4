import type { MaskMetrics } from "../../inference/outcomes/masks.ts";
import { SEGMENTATION_FIGURES } from "../../results/metrics/index.ts";
import { formatNumber, formatRecord } from "./output.ts";

const told = (value: number | null | undefined): string =>
  value === null || value === undefined ? "not defined" : formatNumber(value);

/** The figures of a segmenter for people: the means with their intervals, then each class. */
export function segmentationLines({ perClass, intervals, ...figures }: MaskMetrics): string[] {
  const means = SEGMENTATION_FIGURES.map((name) => {
    const interval = intervals?.[name];
    const range = interval?.low == null ? "" : `  (95 % interval ${told(interval.low)} to ${told(interval.high)})`;
    return [name, `${told(figures[name])}${range}`] as const;
  });
  const classes = perClass.map(({ class: name, present, images, pooled }) => {
    const own = SEGMENTATION_FIGURES.map((figure) => `${figure} ${told(images[figure]?.mean)}`);
    return `${name}  in ${present} images  ${own.join("  ")}  pooled dice ${told(pooled.dice)}`;
  });
  const {
    n,
    unit,
    surface,
    tolerance,
    empty,
    threshold,
    resampling: _resampling,
    classNames: _names,
    ...rest
  } = figures;
  const others = Object.entries(rest).filter(([name]) => !SEGMENTATION_FIGURES.some((figure) => figure === name));
  return [
    ...formatRecord({ n, ...Object.fromEntries(means), unit, surface, tolerance, empty, threshold }),
    ...formatRecord(Object.fromEntries(others)),
    "",
    "per class:",
    ...classes,
  ];
}
