import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { add, input, mul, reduceMean, scalar, sub } from "../../../../src/engine/graph/builders.ts";
import { type Graph, graph } from "../../../../src/engine/graph/graph.ts";
import { startEma, withEma } from "../../../../src/engine/parameters/ema.ts";
import { initialStore } from "../../../../src/engine/parameters/initial-store.ts";
import type { ParameterStore, StoreOptions } from "../../../../src/engine/parameters/parameter-store.ts";
import { type ParameterSpec, parameterInputs } from "../../../../src/engine/parameters/specs.ts";
import { trainingOutputs } from "../../../../src/engine/parameters/training-outputs.ts";
import type { Engine } from "../../../../src/engine/thread/engine.ts";
import { openEngine } from "../../../../src/engine/thread/node-engine.ts";
import { loadWeights } from "../../../../src/interop/load-weights.ts";
import { type ClassifierDescription, readModelFile } from "../../../../src/interop/model-file.ts";
import { loadState, saveCheckpoint } from "../../../../src/training/checkpoint.ts";

const batch = 64;
const features = 3;
const specs: ParameterSpec[] = [
  { name: "scale", shape: [features], role: "trainable", init: { kind: "ones" } },
  { name: "norm.running_mean", shape: [features], role: "state", init: { kind: "zeros" } },
];

/** loss = mean ((x − running mean) · scale)²; the running mean goes a tenth of the way to the batch's. */
function centred(): Graph {
  const p = parameterInputs(specs);
  const x = input("x", [batch, features]);
  const running = p("norm.running_mean");
  const scaled = mul(sub(x, running), p("scale"));
  const loss = reduceMean(mul(scaled, scaled), [0, 1]);
  p.update("norm.running_mean", add(mul(running, scalar(0.9)), mul(reduceMean(x, [0]), scalar(0.1))));
  return graph("centred", { loss, centred: scaled, ...trainingOutputs(loss, p) });
}

/** Batches whose features have different means. */
function batchAt(step: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: batch * features }, (_, i) => (i % features) + Math.sin(7 * step + i));
}

const meansOf = (x: Float32Array): number[] =>
  Array.from({ length: features }, (_, f) => x.reduce((sum, v, i) => (i % features === f ? sum + v / batch : sum), 0));

/** What the running mean is after these batches, in float64. */
function runningMean(...batches: Float32Array[]): number[] {
  return batches
    .map(meansOf)
    .reduce((mean, next) => mean.map((m, f) => 0.9 * m + 0.1 * (next[f] as number)), [0, 0, 0]);
}

const newStore = (options: StoreOptions = {}) => initialStore(specs, 0, { accumulate: true, ...options });

const open: Engine[] = [];
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close();
});

async function engineOver(store: ParameterStore, threads = 1): Promise<Engine> {
  const engine = await openEngine({ threads, store, optimizer: {} });
  open.push(engine);
  await engine.load(centred());
  return engine;
}

const step = (stepIndex: number) => ({ kind: "step", lr: 0.05, stepIndex }) as const;
const stateOf = (store: ParameterStore) => store.parameter("norm.running_mean");

function expectClose(got: Float32Array, expected: readonly number[]): void {
  expect(got).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs((got[i] as number) - value)).toBeLessThan(1e-6);
  });
}

describe("state of a store", () => {
  test("takes its next value with every step, and the graph reads the value from before it", async () => {
    const store = newStore();
    const engine = await engineOver(store);
    const first = await engine.train("centred", { x: batchAt(0) }, step(1));
    expect(Object.keys(first.outputs)).toEqual(["loss", "centred"]);
    expect(first.outputs.centred).toEqual(batchAt(0));
    expectClose(stateOf(store), runningMean(batchAt(0)));
    const scale = store.parameter("scale").slice();
    const state = stateOf(store).slice();
    const { outputs } = await engine.train("centred", { x: batchAt(1) }, step(2));
    expectClose(
      outputs.centred as Float32Array,
      Array.from(batchAt(1), (x, i) => (x - (state[i % features] as number)) * (scale[i % features] as number)),
    );
    expectClose(stateOf(store), runningMean(batchAt(0), batchAt(1)));
  });

  test("takes that of every batch that accumulates", async () => {
    const store = newStore();
    const engine = await engineOver(store);
    await engine.train("centred", { x: batchAt(0) }, { kind: "accumulate" });
    expectClose(stateOf(store), runningMean(batchAt(0)));
    await engine.train("centred", { x: batchAt(1) }, { ...step(1), fromAccumulator: true, gradientScale: 0.5 });
    expectClose(stateOf(store), runningMean(batchAt(0), batchAt(1)));
  });

  test("is handed over by a step that is held, and stays as it was", async () => {
    const store = newStore();
    const engine = await engineOver(store);
    const before = stateOf(store).slice();
    const { states } = await engine.train("centred", { x: batchAt(0) }, { kind: "hold" });
    expect(Object.keys(states ?? {})).toEqual(["norm.running_mean"]);
    expectClose(states?.["norm.running_mean"] as Float32Array, runningMean(batchAt(0)));
    expect(stateOf(store)).toEqual(before);
  });

  test("stays as it was after a loss or a gradient that is not finite, and where a graph is only run", async () => {
    const store = newStore();
    const engine = await engineOver(store);
    await engine.train("centred", { x: batchAt(0) }, step(1));
    const before = stateOf(store).slice();
    const { loss } = await engine.train("centred", { x: batchAt(1).fill(Number.NaN, 5, 6) }, step(2));
    expect(loss).toBeNaN();
    expect(stateOf(store)).toEqual(before);
    const overflow = { ...step(2), clipNorm: 1, gradientScale: Number.MAX_VALUE };
    await expect(engine.train("centred", { x: batchAt(1) }, overflow)).rejects.toMatchObject({ code: "NonFiniteLoss" });
    expect(stateOf(store)).toEqual(before);
    expect(Object.keys(await engine.run("centred", { x: batchAt(1) }))).toEqual(["loss", "centred"]);
    expect(stateOf(store)).toEqual(before);
  });

  test("is the same for any number of threads", async () => {
    const states = [];
    for (const threads of [1, 3]) {
      const store = newStore();
      const engine = await engineOver(store, threads);
      for (let i = 0; i < 4; i++) await engine.train("centred", { x: batchAt(i) }, step(i + 1));
      states.push(stateOf(store).slice());
    }
    expect(states[1]).toEqual(states[0]);
  });

  test("serves the averaged weights as well as the trained ones", async () => {
    const store = newStore({ ema: true });
    startEma(store);
    const engine = await engineOver(store);
    await engine.train("centred", { x: batchAt(0) }, { ...step(1), emaDecay: 0.5 });
    const [trained, state] = [store.parameter("scale").slice(), stateOf(store).slice()];
    await withEma(store, async () => {
      expect(store.parameter("scale")).not.toEqual(trained);
      expect(stateOf(store)).toEqual(state);
    });
  });

  test("an output for a tensor that is no state is refused when the graph is loaded", async () => {
    const store = newStore();
    const engine = await engineOver(store);
    const wrong = graph("wrong", { loss: reduceMean(input("x", [2]), [0]), "state/scale": input("y", [features]) });
    await expect(engine.load(wrong)).rejects.toThrow(/state of "scale": expected a state tensor, got a trainable one/);
  });
});

describe("a checkpoint", () => {
  const folder = mkdtempSync(join(tmpdir(), "msmae-state-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const description: ClassifierDescription = {
    kind: "classifier",
    model: "made",
    classNames: ["a", "b"],
    mean: [0],
    std: [1],
    reading: { window: "auto", axis: "axial", alpha: "drop" },
    epoch: 0,
    step: 2,
    seed: 0,
    licence: "other",
    msmaeVersion: "0",
    config: {
      inputHeight: 8,
      inputWidth: 8,
      patchSize: 4,
      inChans: 1,
      embedDim: 8,
      depth: 1,
      numHeads: 1,
      mlpRatio: 1,
      numClasses: 2,
      globalPool: "avg",
    },
  };
  const progress = {
    verb: "finetune",
    seed: 0,
    epoch: 0,
    batch: 2,
    step: 2,
    sums: {},
    best: null,
    options: {},
    trainLoss: null,
    log: [],
  };

  test("keeps state among the weights, so that a run goes on as if it had never stopped", async () => {
    const through = newStore();
    const engine = await engineOver(through);
    for (let i = 0; i < 2; i++) await engine.train("centred", { x: batchAt(i) }, step(i + 1));
    const path = await saveCheckpoint(folder, "last", through, description, { progress, task: {} });

    const resumed = newStore();
    const { tensors } = await readModelFile(path);
    expect([...tensors.keys()].sort()).toEqual(["norm.running_mean", "scale"]);
    loadWeights(resumed, tensors, { where: path });
    await loadState(path, 2, resumed);
    const second = await engineOver(resumed);
    for (const [store, running] of [
      [through, engine],
      [resumed, second],
    ] as const) {
      await running.train("centred", { x: batchAt(2) }, step(3));
      expectClose(stateOf(store), runningMean(batchAt(0), batchAt(1), batchAt(2)));
    }
    expect(stateOf(resumed)).toEqual(stateOf(through));
    expect(resumed.parameter("scale")).toEqual(through.parameter("scale"));
  });
});
