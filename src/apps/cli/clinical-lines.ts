import type { ClassificationFigures } from "../../inference/outcomes/classes.ts";
import type { Estimate } from "../../results/metrics/index.ts";
import type { ClinicalFigures } from "../../results/report/index.ts";
import { formatNumber } from "./output.ts";

/** What `--report` adds to a classifier's figures, for people; points of curves stand in metrics.json. */
export type ClinicalParts = Pick<
  ClassificationFigures,
  "intervalsPerClass" | "operatingPoint" | "calibration" | "patients" | "subgroups" | "localisation" | "budgetCurve"
>;

/** A figure with its interval. */
export function withInterval({ value, low, high }: Estimate): string {
  const told = value === null ? "not defined" : formatNumber(value);
  return low === null || high === null ? told : `${told} (${formatNumber(low)} to ${formatNumber(high)})`;
}

/** Each part below its title; nothing without `--report`. */
export function clinicalLines(parts: ClinicalParts): string[] {
  const { intervalsPerClass, operatingPoint, calibration, patients, subgroups, localisation, budgetCurve } = parts;
  const titled = (title: string, lines: readonly string[]) => (lines.length > 0 ? ["", `${title}:`, ...lines] : []);
  return [
    ...titled("per class, with 95 % intervals", (intervalsPerClass ?? []).map(classLine)),
    ...(operatingPoint
      ? titled(
          `at thresholds chosen on ${operatingPoint.chosenOn} validation images`,
          operatingPoint.points.map((point) => {
            const { chosen, applied, reason } = point;
            const at = chosen ? `threshold ${formatNumber(chosen.threshold ?? Number.NaN)}` : (reason ?? "");
            return [point.class, at, ...(applied ? estimates(applied.figures, BINARY) : [])].join("  ");
          }),
        )
      : []),
    ...titled("calibration", calibrationLines(calibration)),
    ...(patients ? titled(`per ${patients.of}, by ${patients.aggregation}`, patientLines(patients)) : []),
    ...(subgroups ?? []).flatMap(({ column, subgroups: groups }) =>
      titled(
        `by ${column}`,
        groups.map(({ value, n, tooSmall, figures }) => {
          const told = estimates(figures.figures, ["accuracy", "balancedAccuracy", "aucMacro"]);
          return [value ?? "not known", `n ${n}`, ...told, ...(tooSmall ? ["too few to tell"] : [])].join("  ");
        }),
      ),
    ),
    ...(localisation ? titled("where attention lies", localisationLines(localisation)) : []),
    ...titled("on shares of the patches", (budgetCurve ?? []).map(budgetLine)),
  ];
}

const BINARY = ["sensitivity", "specificity", "ppv", "npv"] as const;

function estimates<Name extends string>(figures: Readonly<Record<Name, Estimate>>, names: readonly Name[]): string[] {
  return names.map((name) => `${name} ${withInterval(figures[name])}`);
}

function classLine({ class: name, figures }: ClinicalFigures["intervalsPerClass"][number]): string {
  return [name, ...estimates(figures, [...BINARY, "auc"])].join("  ");
}

function calibrationLines(calibration: ClinicalParts["calibration"]): string[] {
  if (!calibration) return [];
  const { perClass, temperature } = calibration;
  const lines = perClass.map((line) => [line.class, ...estimates(line, ["intercept", "slope"])].join("  "));
  if (!temperature) return lines;
  const { before, after, applied, reason } = temperature;
  const number = `temperature ${formatNumber(temperature.temperature)}`;
  const told = applied ? number : `${number}, which the checkpoint does not have`;
  const change = `log-loss ${formatNumber(before.logLoss)} → ${formatNumber(after.logLoss)}, ece ${formatNumber(before.ece)} → ${formatNumber(after.ece)}`;
  return [...lines, reason === undefined ? `${told}: ${change}` : `no temperature: ${reason}`];
}

function patientLines({ n, mixed, leftOut, figures, perClass }: NonNullable<ClinicalParts["patients"]>): string[] {
  const counts = [`n ${n}`, `of several classes ${mixed}`, `left out ${leftOut}`];
  const overall = estimates(figures, ["accuracy", "balancedAccuracy", "f1Macro", "aucMacro", "logLoss"]);
  return [counts.join("  "), overall.join("  "), ...perClass.map(classLine)];
}

function localisationLines(localisation: NonNullable<ClinicalParts["localisation"]>): string[] {
  return (["pointing", "insideShare", "auc"] as const).map((measure) => {
    const { maps, random, centre, chance } = localisation[measure];
    const baseline = random ? [`random weights ${withInterval(random)}`] : [];
    const told = [measure, withInterval(maps), ...baseline, `middle ${withInterval(centre)}`];
    return [...told, `chance ${chance === null ? "not defined" : formatNumber(chance)}`].join("  ");
  });
}

function budgetLine({
  keepRatio,
  secondsPerImage,
  ...point
}: NonNullable<ClinicalParts["budgetCurve"]>[number]): string {
  const told = estimates(point, ["accuracy", "aucMacro"]);
  return [`share ${formatNumber(keepRatio)}`, ...told, `ms per image ${formatNumber(1000 * secondsPerImage)}`].join(
    "  ",
  );
}
