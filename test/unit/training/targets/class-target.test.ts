import { expect, test } from "vitest";
import type { FinetuneOptions } from "../../../../src/config/index.ts";
import { balancedClasses, classes } from "../../../../src/inference/outcomes/classes.ts";
import type { RunData } from "../../../../src/training/setup.ts";
import { classTarget } from "../../../../src/training/targets/class-target.ts";

const data = {
  folder: { classNames: ["a", "b"], splits: { train: [0, 0, 1].map((label, i) => ({ path: `${i}.png`, label })) } },
} as unknown as RunData;

test.each([
  [{ classWeights: "none", sampling: "natural" }, classes],
  [{ classWeights: "1,2", sampling: "natural" }, classes],
  [{ classWeights: "balanced", sampling: "natural" }, balancedClasses],
  [{ classWeights: "none", sampling: "balanced" }, balancedClasses],
] as const)("with %j the best epoch is picked as training weighs classes", (options, validation) => {
  const target = classTarget({ smoothing: 0, batchSize: 2, loss: "ce", ...options } as FinetuneOptions, data);
  expect(target.validation).toBe(validation);
  expect(target.outcome).toBe(classes);
});
