import { afterEach, describe, expect, test } from "vitest";
import { clipCoefficient } from "../../../../src/engine/optim/clip.ts";
import { Lars, type LarsOptions } from "../../../../src/engine/optim/lars.ts";
import type { ParameterGroup } from "../../../../src/engine/optim/parameter-groups.ts";
import { startEma } from "../../../../src/engine/parameters/ema.ts";
import { ParameterStore } from "../../../../src/engine/parameters/parameter-store.ts";
import { spawnNodeThread } from "../../../../src/engine/runtime/node-threads.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";
import { globalNorm } from "../../../support/adamw-reference.ts";
import { larsReference } from "../../../support/lars-reference.ts";
import { drawGradients, filledStore, largestDifference, optimizerSpecs } from "../../../support/optimizer-stores.ts";

const settings = { momentum: 0.9, trustCoefficient: 0.02 };
const groups = new Map<string, ParameterGroup>([
  ["small", { lrScale: 1, weightDecay: 0 }],
  ["large", { lrScale: 0.5, weightDecay: 0, l2: 0.05 }],
  ["odd", { lrScale: 0.75, weightDecay: 0, l2: 0.3 }],
]);

const opened: Lars[] = [];
afterEach(() => {
  for (const optimizer of opened.splice(0)) optimizer.close();
});

function lars(store: ParameterStore, options: Partial<LarsOptions> = {}): Lars {
  const optimizer = new Lars(store, groups, { ...settings, ...options });
  opened.push(optimizer);
  return optimizer;
}

describe("LARS", () => {
  test("one step by hand: a matrix moves by a share of its norm, a vector by its gradient", () => {
    const store = ParameterStore.create([
      { name: "weight", shape: [1, 2], role: "trainable" },
      { name: "bias", shape: [2], role: "trainable" },
    ]);
    for (const name of store.names) {
      store.parameter(name).set([3, 4]);
      store.gradient(name).set([0, 2]);
    }
    const decay = { lrScale: 1, weightDecay: 0 };
    const own = new Map<string, ParameterGroup>([
      ["weight", { ...decay, l2: 0.5 }],
      ["bias", decay],
    ]);
    const optimizer = new Lars(store, own, { momentum: 0, trustCoefficient: 0.1 });
    opened.push(optimizer);
    optimizer.step({ lr: 1, stepIndex: 1 });
    // The norm 5, the movement [1.5, 4] of norm √18.25.
    const trust = (0.1 * 5) / Math.sqrt(18.25);
    const expected = Float64Array.of(3 - 1.5 * trust, 4 - 4 * trust);
    expect(largestDifference(store.parameter("weight"), expected)).toBeLessThan(1e-7);
    expect([...store.parameter("bias")]).toEqual([3, 2]);
  });

  test.each([{ clipNorm: undefined }, { clipNorm: 0.7 }])(
    "ten steps with $clipNorm as clip follow the float64 reference to 2e-6",
    ({ clipNorm }) => {
      const store = filledStore({ maxSegmentBytes: 2 ** 20 });
      const optimizer = lars(store);
      const reference = new Map(
        store.trainableNames.map((name) => {
          const parameter = Float64Array.from(store.parameter(name));
          const zeros = () => new Float64Array(parameter.length);
          return [name, { parameter, gradient: zeros(), momentum: zeros() }];
        }),
      );
      for (let stepIndex = 1; stepIndex <= 10; stepIndex++) {
        drawGradients(store, stepIndex);
        const lr = 1 / stepIndex;
        const { gradientNorm } = optimizer.step({ lr, stepIndex, gradientScale: 0.5, clipNorm });
        for (const [name, tensor] of reference) tensor.gradient.set(store.gradient(name).map((value) => value * 0.5));
        const norm = globalNorm([...reference.values()].map(({ gradient }) => gradient));
        expect(Math.abs(gradientNorm / norm - 1)).toBeLessThan(1e-12);
        const gradientScale = clipNorm === undefined ? 1 : clipCoefficient(norm, clipNorm);
        for (const [name, tensor] of reference) {
          const { lrScale, l2 = 0 } = groups.get(name) as ParameterGroup;
          larsReference(tensor, { ...settings, lr: lr * lrScale, l2, gradientScale, scaled: name !== "small" });
        }
      }
      for (const [name, tensor] of reference) {
        expect(largestDifference(store.parameter(name), tensor.parameter)).toBeLessThan(2e-6);
        expect(largestDifference(store.firstMoment(name), tensor.momentum)).toBeLessThan(2e-6);
      }
    },
  );

  test("1, 2 and 3 threads and any segment size give the same bits, norms and averages included", async () => {
    const runs = [
      { threads: 1, maxSegmentBytes: 2 ** 30 },
      { threads: 2, maxSegmentBytes: 2 ** 30 },
      { threads: 3, maxSegmentBytes: 2 ** 21 },
    ];
    const results = [];
    for (const { threads, maxSegmentBytes } of runs) {
      const store = filledStore({ maxSegmentBytes, ema: true, accumulate: true });
      startEma(store);
      const optimizer = lars(store, { threads, spawn: spawnNodeThread });
      await optimizer.ready();
      const norms = [];
      for (let stepIndex = 1; stepIndex <= 4; stepIndex++) {
        drawGradients(store, stepIndex);
        optimizer.accumulate();
        norms.push(optimizer.step({ lr: 0.1, stepIndex, emaDecay: 0.9, fromAccumulator: true }).gradientNorm);
      }
      expect(store.flat("accumulator").every((flat) => flat.every((value) => value === 0))).toBe(true);
      const bytes = store.trainableNames.flatMap((name) => [
        store.parameter(name).slice(),
        store.firstMoment(name).slice(),
        store.ema(name).slice(),
      ]);
      results.push({ norms, bytes });
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  test("a matrix of zeros moves by its gradient, as it has no norm to follow", () => {
    const store = filledStore();
    store.parameter("odd").fill(0);
    store.gradient("odd").fill(2);
    lars(store).step({ lr: 1, stepIndex: 1 });
    expect(store.parameter("odd").every((value) => value === -1.5)).toBe(true);
  });

  const decoupled = new Map([...groups, ["odd", { lrScale: 1, weightDecay: 0.1 }]] as const);
  const refused: [string, () => unknown, RegExp][] = [
    ["a momentum of 1", () => lars(filledStore(), { momentum: 1 }), /LARS momentum/],
    ["a trust coefficient of 0", () => lars(filledStore(), { trustCoefficient: 0 }), /LARS trustCoefficient/],
    ["a decoupled decay", () => new Lars(filledStore(), decoupled, settings), /weightDecay of "odd".*coupled/],
    [
      "a store without moments",
      () => lars(ParameterStore.create(optimizerSpecs, { moments: false })),
      /LARS store.*firstMoment/,
    ],
  ];
  test.each(refused)("refuses %s", (_, act, message) => {
    expect(act).toThrow(MsmaeError);
    expect(act).toThrow(message);
  });
});
