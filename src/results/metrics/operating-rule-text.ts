import { MsmaeError } from "../../support/errors.ts";
import type { OperatingRule } from "./operating-rules.ts";

/**
 * A rule for a threshold as people write it: `youden`, `sensitivity:0.9`, `specificity:0.9`, or `cost:FP,FN`, what a false
 * positive and a false negative cost.
 *
 * @throws MsmaeError Config for any other text.
 */
export function parseOperatingRule(text: string): OperatingRule {
  const [kind, rest = ""] = text.split(":") as [string, string?];
  const numbers = rest.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const [first = Number.NaN, second = Number.NaN] = numbers;
  if (text === "youden") return { kind: "youden" };
  const share = numbers.length === 1 && first > 0 && first <= 1;
  if ((kind === "sensitivity" || kind === "specificity") && share) return { kind, atLeast: first };
  if (kind === "cost" && numbers.length === 2 && first > 0 && second > 0) {
    return { kind, falsePositive: first, falseNegative: second };
  }
  throw new MsmaeError("Config", {
    where: "--operating-point",
    expected: "youden, sensitivity:SHARE, specificity:SHARE or cost:FP,FN",
    got: text,
    todo: "write for example sensitivity:0.9",
  });
}
