import { expect, test } from "vitest";
import type { FinetuneOptions } from "../../../../src/config/index.ts";
import { findingsMetrics } from "../../../../src/results/metrics/index.ts";
import type { RunData } from "../../../../src/training/setup.ts";
import { findingsTarget } from "../../../../src/training/targets/findings-target.ts";

const names = ["edema", "effusion"];
const train = [
  [1, 0],
  [Number.NaN, 1],
  [1, 1],
].map((values, i) => ({ path: `${i}.png`, label: 0, values }));
const make = () =>
  findingsTarget(
    { smoothing: 0, batchSize: 2 } as FinetuneOptions,
    { folder: { splits: { train } } } as unknown as RunData,
    names,
  );

test("the thresholds of the last validation pass are described, and survive a stop", () => {
  const target = make();
  expect(target.describe()).toEqual({ classNames: names, target: { kind: "findings" } });
  expect(target.state()).toEqual({});
  const thresholds = [0.3, 0.7].map(Math.fround);
  target.validated(findingsMetrics({ probabilities: [0.4, 0.6], truth: [1, 0], names, thresholds }));
  expect(target.describe().target).toEqual({ kind: "findings", thresholds });
  const resumed = make();
  resumed.restore(target.state());
  expect(resumed.describe()).toEqual(target.describe());
  resumed.restore({});
  expect(resumed.describe()).toEqual(target.describe());
});

test("training images are counted by what they have", () => {
  expect(make().counts).toEqual({ edema: 2, effusion: 2 });
});
