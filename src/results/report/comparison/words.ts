import type { ModelDifference } from "../../metrics/index.ts";
import { figureName, signed } from "./figure-names.ts";

/** Below it a difference is called one. */
const LEVEL = 0.05;

/** What a probability is of, for people. */
export const TESTS: Record<ModelDifference["test"], string> = {
  "paired-bootstrap": "paired bootstrap",
  delong: "DeLong",
  "mcnemar-exact": "McNemar, exact",
  "mcnemar-chi-squared": "McNemar",
};

/** A probability as tables have it. */
export function probability(p: number | null): string {
  if (p === null) return "–";
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

/** What the main difference of a pair says, in a sentence or two; `corrected` where there are more than two models. */
export function verdict(row: ModelDifference, corrected: boolean): string {
  const { first, second, metric, delta, low, high, p, pHolm, reason } = row;
  const { title, best, shown } = figureName(metric);
  const name = title.replace(", %", "");
  const figure = /^[A-Z][a-z]/.test(name) ? name.charAt(0).toLowerCase() + name.slice(1) : name;
  const told = corrected ? pHolm : p;
  if (delta === null || low === null || high === null || told === null) {
    return `${first} and ${second}: the difference in ${figure} has no interval${reason === undefined ? "" : ` (${reason})`}.`;
  }
  const unit = title.endsWith(", %") ? " percentage points" : "";
  const shownP = probability(told);
  const test = `${TESTS[row.test]}, p ${shownP.startsWith("<") ? shownP : `= ${shownP}`}${corrected ? " corrected" : ""}`;
  const interval = `95 % interval ${signed(shown(low))} to ${signed(shown(high))}`;
  const start = `${first} less ${second}, ${figure}: ${signed(shown(delta))}${unit} (${interval}; ${test}).`;
  if (told >= LEVEL) {
    return `${start} These cases do not tell the two apart; that is not to say that they are alike: differences anywhere in the interval fit what was seen.`;
  }
  const better = best === undefined ? undefined : delta > 0 === (best === "high") ? first : second;
  const found = better === undefined ? "The two differ" : `${better} is better`;
  return `${start} ${found}: were both equally good, a difference as large would be a rare accident of these cases.`;
}
