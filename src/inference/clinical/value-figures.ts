import type { EvalOptions } from "../../config/index.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import { findingsIntervals, numberIntervals } from "../../results/metrics/index.ts";
import type { FindingsWithIntervals, NumberWithIntervals } from "../../results/report/index.ts";
import { MsmaeError } from "../../support/errors.ts";
import { type GatheredFindings, thresholdsOf } from "../outcomes/findings.ts";
import type { GatheredNumbers } from "../outcomes/number.ts";

/** The figures of several findings with their 95 % intervals, patients drawn anew. */
export function findingsWithIntervals(
  { probabilities, truth, groups }: GatheredFindings,
  description: ModelDescription,
): FindingsWithIntervals {
  const { classNames: names, seed } = description;
  const input = { probabilities, truth, names, thresholds: thresholdsOf(description), groups, seed };
  const { figures: intervals, perFinding: intervalsPerFinding, resampling } = findingsIntervals(input);
  return { intervals, intervalsPerFinding, resampling };
}

/** The figures of a number with their 95 % intervals, patients drawn anew. */
export function numberWithIntervals(
  { predicted, truth, groups }: GatheredNumbers,
  { seed }: ModelDescription,
): NumberWithIntervals {
  const { figures: intervals, resampling } = numberIntervals({ predicted, truth, groups, seed });
  return { intervals, resampling };
}

/** @throws MsmaeError Config for what is reported of classes alone. */
export function refuseClassOptions({ subgroups, budgetCurve, pretrained }: EvalOptions): void {
  const given = Object.entries({ subgroups, budgetCurve, pretrained }).find(([, value]) => value !== undefined);
  if (!given) return;
  throw new MsmaeError("Config", {
    where: given[0],
    expected: "a checkpoint of one class or grade for each image",
    got: "one of findings or of a number",
    todo: "leave it out",
  });
}
