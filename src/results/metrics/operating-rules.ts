import { MsmaeError } from "../../support/errors.ts";
import { type CumulativeCounts, cumulativeCounts } from "./roc.ts";

/**
 * How a threshold is chosen: `youden` where sensitivity + specificity is largest; `sensitivity` where the specificity is
 * largest among those thresholds that reach a sensitivity; `specificity` the other way round; `cost` where the mean cost of
 * a case is least, given what a false positive and a false negative cost and the share of positives where the model will be
 * used (that of the cases, unless given). Of equal thresholds it is the highest.
 */
export type OperatingRule =
  | { kind: "youden" }
  | { kind: "sensitivity"; atLeast: number }
  | { kind: "specificity"; atLeast: number }
  | { kind: "cost"; falsePositive: number; falseNegative: number; prevalence?: number };

/** A threshold, and what it gives on the cases on which it was chosen: better than it will be on others. */
export interface ChosenThreshold {
  /** Scores at or above it are called positive; null: nothing is, since no threshold is better. */
  threshold: number | null;
  sensitivity: number;
  specificity: number;
  positives: number;
  negatives: number;
}

/**
 * The threshold that a rule chooses, or undefined without positives or without negatives.
 *
 * @param scores [n] higher means more likely positive.
 * @param positive [n] non-zero where the truth is positive.
 * @throws MsmaeError Config for a share outside of (0, 1] or a cost that is not positive.
 *
 * Source: Youden 1950, "Index for rating diagnostic tests"; of costs: Metz 1978, "Basic principles of ROC analysis".
 */
export function chooseThreshold(
  scores: ArrayLike<number>,
  positive: ArrayLike<number>,
  rule: OperatingRule,
): ChosenThreshold | undefined {
  checkRule(rule);
  const counts = cumulativeCounts(scores, positive);
  const positives = counts.truePositives.at(-1) ?? 0;
  const negatives = counts.falsePositives.at(-1) ?? 0;
  if (positives === 0 || negatives === 0) return undefined;
  const best = bestStep(counts, worthOf(rule, positives, negatives));
  const [hits, alarms] = best < 0 ? [0, 0] : stepAt(counts, best);
  return {
    threshold: best < 0 ? null : (counts.scores[best] as number),
    sensitivity: hits / positives,
    specificity: (negatives - alarms) / negatives,
    positives,
    negatives,
  };
}

/** What a threshold with so many true and false positives is worth; -Infinity where the rule forbids it. */
type Worth = (hits: number, alarms: number) => number;

function worthOf(rule: OperatingRule, positives: number, negatives: number): Worth {
  switch (rule.kind) {
    case "youden":
      // Whole numbers, so that equal thresholds are found equal.
      return (hits, alarms) => hits * negatives - alarms * positives;
    case "sensitivity":
      return (hits, alarms) => (hits / positives >= rule.atLeast ? -alarms : Number.NEGATIVE_INFINITY);
    case "specificity":
      return (hits, alarms) => ((negatives - alarms) / negatives >= rule.atLeast ? hits : Number.NEGATIVE_INFINITY);
    case "cost": {
      const { falsePositive, falseNegative, prevalence } = rule;
      const n = positives + negatives;
      const [missed, alarmed] =
        prevalence === undefined ? [1, 1] : [(prevalence * n) / positives, ((1 - prevalence) * n) / negatives];
      return (hits, alarms) => -(falsePositive * alarmed * alarms + falseNegative * missed * (positives - hits));
    }
  }
}

/** The first step, from the highest score down, of the greatest worth; -1 where calling nothing positive is worth as much. */
function bestStep(counts: CumulativeCounts, worth: Worth): number {
  let best = -1;
  let most = worth(0, 0);
  for (let step = 0; step < counts.scores.length; step++) {
    const found = worth(...stepAt(counts, step));
    if (found <= most) continue;
    most = found;
    best = step;
  }
  return best;
}

const stepAt = ({ truePositives, falsePositives }: CumulativeCounts, step: number): [hits: number, alarms: number] => [
  truePositives[step] as number,
  falsePositives[step] as number,
];

function checkRule(rule: OperatingRule): void {
  const check = (field: string, value: number, fits: boolean, expected: string): void => {
    if (fits) return;
    throw new MsmaeError("Config", {
      where: `operating point by ${rule.kind}, ${field}`,
      expected,
      got: String(value),
      todo: "give shares such as 0.9, and costs in any one unit",
    });
  };
  if (rule.kind === "sensitivity" || rule.kind === "specificity") {
    check("atLeast", rule.atLeast, rule.atLeast > 0 && rule.atLeast <= 1, "a share in (0, 1]");
  }
  if (rule.kind !== "cost") return;
  const { falsePositive, falseNegative, prevalence } = rule;
  for (const [field, cost] of Object.entries({ falsePositive, falseNegative })) {
    check(field, cost, cost > 0 && Number.isFinite(cost), "a cost above 0");
  }
  if (prevalence !== undefined) check("prevalence", prevalence, prevalence > 0 && prevalence < 1, "a share in (0, 1)");
}
