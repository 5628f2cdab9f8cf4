import { expect, test } from "vitest";
import { parseOperatingRule } from "../../../../src/results/metrics/operating-rule-text.ts";

test("rules are read as they are written", () => {
  expect(parseOperatingRule("youden")).toEqual({ kind: "youden" });
  expect(parseOperatingRule("sensitivity:0.9")).toEqual({ kind: "sensitivity", atLeast: 0.9 });
  expect(parseOperatingRule("specificity:1")).toEqual({ kind: "specificity", atLeast: 1 });
  expect(parseOperatingRule("cost:1,5")).toEqual({ kind: "cost", falsePositive: 1, falseNegative: 5 });
});

test.each([
  "",
  "best",
  "youden:1",
  "sensitivity",
  "sensitivity:0",
  "sensitivity:1.1",
  "cost:1",
  "cost:0,1",
  "cost:1,2,3",
])("%s is no rule", (text) => {
  expect(() => parseOperatingRule(text)).toThrow(/--operating-point: expected youden, sensitivity:SHARE/);
});
