import { describe, expect, test } from "vitest";
import { smallBatch, smallConfig } from "../../../../bench/check.ts";
import { createParameters } from "../../../../bench/weights.ts";
import { workload } from "../../../../bench/workload.ts";
import { openEngine } from "../../../../src/engine/thread/node-engine.ts";
import { inPrecision } from "../../../../src/method/models/precision.ts";
import { oneRank } from "../../../../src/parallel/ranks.ts";
import { gradientParts } from "../../../../src/training/steps/gradient-parts.ts";
import { SharedSteps } from "../../../../src/training/steps/shared-steps.ts";

const phases = ["finetune", "pretrain-attention", "pretrain-random", "segment", "train-resnet", "train-swin"] as const;
const precisions = ["fp32", "int8-all"] as const;

describe("the gradients of a store in parts", () => {
  const { optimizer, ...work } = workload("pretrain-random", smallConfig, smallBatch);
  const store = createParameters({ ...work, optimizer }, "fp32", { accumulate: true });
  const total = store.trainableNames.reduce((sum, name) => sum + store.gradient(name).length, 0);

  test("are those of every trained tensor once, the last ones first", () => {
    const parts = gradientParts(store, 6);
    expect(parts.length).toBe(6);
    expect(
      parts
        .map(({ names }) => [...names])
        .reverse()
        .flat(),
    ).toEqual(store.trainableNames);
    const sizes = parts.map(({ gradients }) => gradients.reduce((sum, { length }) => sum + length, 0));
    expect(Math.max(...sizes)).toBeLessThan((2 * total) / parts.length);
  });

  test("stand in arrays that hold those tensors and no others", () => {
    for (const name of store.trainableNames) store.gradient(name).fill(0);
    for (const [index, part] of gradientParts(store, 6).entries()) {
      for (const array of part.gradients) array.fill(index + 1);
      for (const array of part.sums) array.fill(-index - 1);
    }
    for (const [index, { names }] of gradientParts(store, 6).entries()) {
      for (const name of names) {
        expect(new Set(store.gradient(name)), name).toEqual(new Set([index + 1]));
        expect(new Set(store.accumulator(name)), name).toEqual(new Set([-index - 1]));
      }
    }
  });

  test("are one part unless told otherwise", () => {
    expect(gradientParts(store)).toHaveLength(1);
  });
});

describe.each(precisions)("steps in parts, %s", (precision) => {
  test.each(phases.filter((phase) => precision === "fp32" || !phase.startsWith("train-")))(
    "make the weights of whole steps, to the bit: %s",
    async (phase) => {
      const weights: string[] = [];
      for (const exchangeParts of [1, 6]) {
        const work = workload(phase, smallConfig, smallBatch);
        const store = createParameters(work, precision, { accumulate: true });
        await using engine = await openEngine({ store, optimizer: work.optimizer, exchanges: true });
        const options = { batchSize: smallBatch, accumIter: 1, exchangeParts };
        const steps = new SharedSteps({ ranks: oneRank, engine, store }, options, undefined);
        await steps.load(inPrecision(work.graph, precision, store));
        for (let stepIndex = 1; stepIndex <= 3; stepIndex++) {
          const batch = { feeds: work.feeds(stepIndex), paths: [] };
          const update = { kind: "step", lr: 0.01, stepIndex, gradientScale: 1, fromAccumulator: true } as const;
          await steps.round({ graph: work.graph.name, batch, count: 1, update }, []);
        }
        await engine.collect();
        weights.push(
          store.names.map((name) => Buffer.from(store.parameter(name).slice().buffer).toString("base64")).join(),
        );
      }
      expect(weights[0] === weights[1]).toBe(true);
    },
  );
});
