import { afterEach, describe, expect, test } from "vitest";
import { AdamW, type AdamWOptions, type AdamWStep } from "../../../../src/engine/optim/adamw.ts";
import { clipCoefficient } from "../../../../src/engine/optim/clip.ts";
import { CONTROL, HELPER } from "../../../../src/engine/optim/optimizer-job.ts";
import type { OptimizerThreadData } from "../../../../src/engine/optim/optimizer-worker.ts";
import type { ParameterGroup } from "../../../../src/engine/optim/parameter-groups.ts";
import { startEma } from "../../../../src/engine/parameters/ema.ts";
import { ParameterStore } from "../../../../src/engine/parameters/parameter-store.ts";
import { spawnNodeThread } from "../../../../src/engine/runtime/node-threads.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";
import { type AdamWTensor, adamwReference, globalNorm } from "../../../support/adamw-reference.ts";
import { drawGradients, filledStore, largestDifference, optimizerSpecs } from "../../../support/optimizer-stores.ts";

const settings = { beta1: 0.9, beta2: 0.95, eps: 1e-8 };
const groups = new Map<string, ParameterGroup>([
  ["small", { lrScale: 1, weightDecay: 0 }],
  ["large", { lrScale: 0.5, weightDecay: 0.05 }],
  ["odd", { lrScale: 0.75, weightDecay: 0.2, l2: 0.3 }],
]);

const opened: AdamW[] = [];
afterEach(() => {
  for (const optimizer of opened.splice(0)) optimizer.close();
});

function adamW(store: ParameterStore, options: Partial<AdamWOptions> = {}): AdamW {
  const optimizer = new AdamW(store, groups, { ...settings, ...options });
  opened.push(optimizer);
  return optimizer;
}

describe("adamwReference", () => {
  test("three clipped steps equal torch.optim.AdamW (PyTorch 2.15, float64)", () => {
    const tensor: AdamWTensor = {
      parameter: new Float64Array([0.5, -1.25, 2.0, 0.03125, -0.75]),
      gradient: new Float64Array(5),
      firstMoment: new Float64Array(5),
      secondMoment: new Float64Array(5),
    };
    const steps = [
      { lr: 1e-2, gradient: [0.1, -0.2, 0.3, -4.0, 0.0], norm: 4.017461885320134 },
      { lr: 5e-3, gradient: [1.0, 0.5, -0.25, 0.125, 0.0], norm: 1.1524430571616109 },
      { lr: 2e-2, gradient: [-0.3, 0.7, 0.0, 2.0, 1e-6], norm: 2.140093455903503 },
    ];
    for (const [index, { lr, gradient, norm }] of steps.entries()) {
      tensor.gradient.set(gradient);
      const measured = globalNorm([tensor.gradient]);
      expect(measured).toBeCloseTo(norm, 14);
      adamwReference(tensor, {
        ...settings,
        lr,
        weightDecay: 0.05,
        stepIndex: index + 1,
        gradientScale: clipCoefficient(measured, 1),
      });
    }
    const expected = [
      0.4757676298588628, -1.2568260864481562, 1.9964475731236404, 0.04203506865522738, -0.7607178086417976,
    ];
    const first = [
      0.06609302203688129, 0.0677238895031646, -0.01347513073629143, 0.022567767483334732, 4.672690951754373e-8,
    ];
    const second = [
      0.03677513412198845, 0.014402334829937274, 0.002486916507210841, 0.08896046291606358, 1.0917020365303607e-14,
    ];
    for (let i = 0; i < 5; i++) {
      expect(tensor.parameter[i]).toBeCloseTo(expected[i] as number, 14);
      expect((tensor.firstMoment[i] as number) / (first[i] as number)).toBeCloseTo(1, 13);
      expect((tensor.secondMoment[i] as number) / (second[i] as number)).toBeCloseTo(1, 13);
    }
  });

  test("a norm below the limit is not scaled up", () => {
    expect(clipCoefficient(0.5, 1)).toBe(1);
    expect(clipCoefficient(0, 1)).toBe(1);
    expect(clipCoefficient(4, 1)).toBe(1 / (4 + 1e-6));
  });
});

describe("AdamW", () => {
  test.each([{ clipNorm: undefined }, { clipNorm: 0.7 }])(
    "ten steps with $clipNorm as clip follow the float64 reference to 2e-6, frozen tensors and padding untouched",
    ({ clipNorm }) => {
      const store = filledStore({ maxSegmentBytes: 2 ** 20 });
      expect(store.memories.length).toBeGreaterThan(1);
      const frozen = store.parameter("frozen").slice();
      const optimizer = adamW(store);
      const reference = new Map(
        store.trainableNames.map((name) => {
          const parameter = Float64Array.from(store.parameter(name));
          const zeros = () => new Float64Array(parameter.length);
          return [name, { parameter, gradient: zeros(), firstMoment: zeros(), secondMoment: zeros() }];
        }),
      );
      for (let stepIndex = 1; stepIndex <= 10; stepIndex++) {
        drawGradients(store, stepIndex);
        const lr = 0.01 / stepIndex;
        const { gradientNorm } = optimizer.step({ lr, stepIndex, gradientScale: 0.5, clipNorm });
        for (const [name, tensor] of reference) tensor.gradient.set(store.gradient(name).map((value) => value * 0.5));
        const norm = globalNorm([...reference.values()].map(({ gradient }) => gradient));
        expect(Math.abs(gradientNorm / norm - 1)).toBeLessThan(1e-12);
        const gradientScale = clipNorm === undefined ? 1 : clipCoefficient(norm, clipNorm);
        for (const [name, tensor] of reference) {
          const { lrScale, ...decay } = groups.get(name) as ParameterGroup;
          adamwReference(tensor, { ...settings, lr: lr * lrScale, ...decay, stepIndex, gradientScale });
        }
      }
      for (const [name, tensor] of reference) {
        expect(largestDifference(store.parameter(name), tensor.parameter)).toBeLessThan(2e-6);
        expect(largestDifference(store.firstMoment(name), tensor.firstMoment)).toBeLessThan(2e-6);
        expect(largestDifference(store.secondMoment(name), tensor.secondMoment)).toBeLessThan(2e-6);
      }
      expect(store.parameter("frozen")).toEqual(frozen);
      const padded = store.flat("parameter").reduce((sum, flat) => sum + flat.filter((value) => value !== 0).length, 0);
      expect(padded).toBe(5 + 3 * 20011 + 16385);
    },
  );

  test("1, 2 and 3 threads and any segment size give the same bits, norms included", async () => {
    const runs = [
      { threads: 1, maxSegmentBytes: 2 ** 30 },
      { threads: 2, maxSegmentBytes: 2 ** 30 },
      { threads: 3, maxSegmentBytes: 2 ** 21 },
    ];
    const results = [];
    for (const { threads, maxSegmentBytes } of runs) {
      const store = filledStore({ maxSegmentBytes, ema: true });
      startEma(store);
      const optimizer = adamW(store, { threads, spawn: spawnNodeThread });
      await optimizer.ready();
      const norms = [];
      for (let stepIndex = 1; stepIndex <= 4; stepIndex++) {
        drawGradients(store, stepIndex);
        norms.push(optimizer.step({ lr: 0.01, stepIndex, clipNorm: 1, emaDecay: 0.9 }).gradientNorm);
      }
      const bytes = store.trainableNames.flatMap((name) => [
        store.parameter(name).slice(),
        store.firstMoment(name).slice(),
        store.secondMoment(name).slice(),
        store.ema(name).slice(),
      ]);
      results.push({ norms, bytes });
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  test("two accumulated micro-batches equal one step on their mean, and the accumulator is empty after it", () => {
    const micro = filledStore({ accumulate: true });
    const whole = filledStore();
    const sums = new Map(whole.trainableNames.map((name) => [name, new Float32Array(whole.gradient(name).length)]));
    const optimizer = adamW(micro);
    for (const batch of [1, 2]) {
      drawGradients(micro, batch);
      for (const [name, sum] of sums) sum.set(sum.map((value, i) => value + (micro.gradient(name)[i] as number)));
      optimizer.accumulate();
    }
    for (const [name, sum] of sums) whole.gradient(name).set(sum);
    const step: AdamWStep = { lr: 0.1, stepIndex: 1, gradientScale: 0.5, clipNorm: 2 };
    const got = optimizer.step({ ...step, fromAccumulator: true });
    const expected = adamW(whole).step(step);
    expect(got).toEqual(expected);
    for (const name of sums.keys()) expect(micro.parameter(name)).toEqual(whole.parameter(name));
    expect(micro.flat("accumulator").every((flat) => flat.every((value) => value === 0))).toBe(true);
  });

  test("the moving average starts at the weights and follows them", () => {
    const store = filledStore({ ema: true });
    startEma(store);
    const before = store.parameter("odd").slice();
    expect(store.ema("odd")).toEqual(before);
    drawGradients(store, 1);
    adamW(store).step({ lr: 0.1, stepIndex: 1, emaDecay: 0.75 });
    const after = store.parameter("odd");
    const expected = Float64Array.from(before, (value, i) => 0.75 * value + 0.25 * (after[i] as number));
    expect(largestDifference(store.ema("odd"), expected)).toBeLessThan(1e-6);
    expect(after[16384]).not.toBe(before[16384]);
  });

  test("a gradient that is not finite stops a clipped step before anything changes", () => {
    const store = filledStore();
    store.gradient("odd")[16384] = Number.NaN;
    const before = store.parameter("odd").slice();
    const optimizer = adamW(store);
    const act = () => optimizer.step({ lr: 0.1, stepIndex: 1, clipNorm: 1 });
    expect(act).toThrow(expect.objectContaining({ code: "NonFiniteLoss" }));
    expect(store.parameter("odd")).toEqual(before);
    expect(() => optimizer.step({ lr: 0.1, stepIndex: 1 })).toThrow(/gradient norm of NaN/);
  });

  test("a helper that hangs is an error, not a hang", () => {
    const store = filledStore();
    const optimizer = adamW(store, {
      threads: 2,
      stallMilliseconds: 40,
      // Says it is ready and then never works.
      spawn: (_, data) => {
        Atomics.store((data as OptimizerThreadData).job.control, CONTROL.firstHelper, HELPER.idle);
        return { terminate: () => undefined };
      },
    });
    const act = () => optimizer.step({ lr: 0.1, stepIndex: 1 });
    expect(act).toThrow(
      expect.objectContaining({ code: "Device", message: expect.stringMatching(/no progress in 40 ms/) }),
    );
    expect(act).toThrow(/no progress/);
  });

  test("a helper that dies between steps is named by the next one", async () => {
    const store = filledStore();
    let ended: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => {
      ended = resolve;
    });
    let kill: (() => void) | undefined;
    const optimizer = adamW(store, {
      threads: 2,
      spawn: (module, data, onEnd) => {
        const thread = spawnNodeThread(module, data, (reason) => {
          onEnd(reason);
          ended?.();
        });
        kill = () => thread.terminate();
        return thread;
      },
    });
    await optimizer.ready();
    optimizer.step({ lr: 0.1, stepIndex: 1 });
    kill?.();
    await gone;
    expect(() => optimizer.step({ lr: 0.1, stepIndex: 2 })).toThrow(/helper 0 ended/);
  });

  test("a helper that cannot start is named by ready()", async () => {
    const optimizer = adamW(filledStore(), {
      threads: 2,
      spawn: (_, data, onEnd) => spawnNodeThread(new URL("file:///nowhere/module.js"), data, onEnd),
    });
    await expect(optimizer.ready()).rejects.toThrow(/helper 0 ended: .*nowhere/);
  });

  test("works on from the start, while helpers are still starting", () => {
    const store = filledStore();
    const alone = filledStore();
    drawGradients(store, 1);
    drawGradients(alone, 1);
    adamW(store, { threads: 3, spawn: spawnNodeThread }).step({ lr: 0.1, stepIndex: 1 });
    adamW(alone).step({ lr: 0.1, stepIndex: 1 });
    expect(store.parameter("large")).toEqual(alone.parameter("large"));
  });

  const store = ParameterStore.create(optimizerSpecs);
  const refused: [string, () => unknown, RegExp][] = [
    ["a tensor without group", () => new AdamW(store, new Map(), settings), /no group for \[small, large, odd\]/],
    [
      "a group of a frozen tensor",
      () => new AdamW(store, new Map([...groups, ["frozen", { lrScale: 1, weightDecay: 0 }]]), settings),
      /no such tensor \[frozen\]/,
    ],
    [
      "a store without moments",
      () => new AdamW(ParameterStore.create(optimizerSpecs, { moments: false }), groups, settings),
      /firstMoment/,
    ],
    ["beta2 of 1", () => adamW(store, { beta2: 1 }), /beta2/],
    ["threads without a way to start them", () => adamW(store, { threads: 2 }), /spawn/],
    ["step 0", () => adamW(store).step({ lr: 1, stepIndex: 0 }), /stepIndex/],
    ["a learning rate that is not a number", () => adamW(store).step({ lr: Number.NaN, stepIndex: 1 }), /lr/],
    ["a clip of 0", () => adamW(store).step({ lr: 1, stepIndex: 1, clipNorm: 0 }), /clipNorm/],
    ["EMA in a store without", () => adamW(store).step({ lr: 1, stepIndex: 1, emaDecay: 0.9 }), /ema/],
    ["accumulation in a store without", () => adamW(store).accumulate(), /accumulator/],
  ];
  test.each(refused)("refuses %s", (_, act, message) => {
    expect(act).toThrow(MsmaeError);
    expect(act).toThrow(message);
  });
});
