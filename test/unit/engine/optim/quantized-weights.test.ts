import { describe, expect, test } from "vitest";
import { AdamW } from "../../../../src/engine/optim/adamw.ts";
import { Lars } from "../../../../src/engine/optim/lars.ts";
import { parameterGroups } from "../../../../src/engine/optim/parameter-groups.ts";
import { ParameterStore, type TensorSpec } from "../../../../src/engine/parameters/parameter-store.ts";
import { spawnNodeThread } from "../../../../src/engine/runtime/node-threads.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { quantizedReference } from "../../../support/quantized-reference.ts";

/** One piece, several of whole rows, rows longer than a piece, and tensors between that stay alone. */
const specs: TensorSpec[] = [
  { name: "bias", shape: [5], role: "trainable" },
  { name: "small", shape: [16, 16], role: "trainable" },
  { name: "tall", shape: [160, 256], role: "trainable" },
  { name: "table", shape: [3, 7], role: "fixed" },
  { name: "wide", shape: [32, 2048], role: "trainable" },
  { name: "other", shape: [48, 32], role: "trainable" },
];
const quantized = new Set(["small", "tall", "wide"]);
const copies = ["transposed", "rowScales", "plain", "columnScales"] as const;

function filled(options: Parameters<typeof ParameterStore.create>[1] = { quantized }): ParameterStore {
  const store = ParameterStore.create(specs, options);
  const stream = RandomStream.for(9, "initialisation");
  for (const name of store.names) {
    const view = store.parameter(name);
    view.set(view.map(() => 0.1 * stream.normal()));
  }
  for (const name of store.trainableNames) {
    const view = store.gradient(name);
    view.set(view.map(() => stream.normal()));
  }
  return store;
}

const groupsOf = (store: ParameterStore, weightDecay = 0.1) =>
  parameterGroups(
    store.trainableNames.map((name) => ({ name, shape: store.shapeOf(name) })),
    { weightDecay },
  );
const settings = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };

function expectCopies(store: ParameterStore): void {
  for (const name of store.quantizedNames) {
    const expected = quantizedReference(store.parameter(name), store.shapeOf(name));
    for (const copy of copies)
      expect(Array.from(store.quantized(name, copy)), `${name} ${copy}`).toEqual([...expected[copy]]);
  }
}

describe("copies of weights in int8", () => {
  test("are those of the reference, element by element", () => {
    const store = filled();
    new AdamW(store, groupsOf(store), settings).quantize();
    expect(store.quantized("tall", "plain").some((level) => level === 64)).toBe(true);
    expectCopies(store);
  });

  test("round halves to the even level, keep rows and columns of zeros, and take the tiniest for zeros", () => {
    const store = filled();
    const weight = store.parameter("small");
    weight.fill(0);
    // Row 0 in halves of a level of its scale, row 1 left at zero, row 2 too small for a scale.
    for (let column = 0; column < 15; column++) weight[column] = (column - 7) / 2;
    weight[15] = 64;
    for (let column = 0; column < 16; column++) weight[2 * 16 + column] = 1e-33 * column;
    new AdamW(store, groupsOf(store), settings).quantize();
    expectCopies(store);
    const row = (r: number) =>
      Array.from({ length: 16 }, (_, column) => store.quantized("small", "transposed")[column * 16 + r]);
    expect(row(0)).toEqual([-4, -3, -2, -2, -2, -1, -0, 0, 0, 1, 2, 2, 2, 3, 4, 64].map((level) => level + 0));
    expect(row(1)).toEqual(new Array(16).fill(0));
    expect(row(2)).toEqual(new Array(16).fill(0));
  });

  test("follow every step, after which weights and gradient norm are those without copies", () => {
    const [with8, without] = [filled(), filled({})];
    const [ours, plain] = [with8, without].map((store) => new AdamW(store, groupsOf(store), settings)) as [
      AdamW,
      AdamW,
    ];
    for (let stepIndex = 1; stepIndex <= 3; stepIndex++) {
      const norms = [ours, plain].map((optimizer) => optimizer.step({ lr: 0.01, stepIndex }).gradientNorm);
      expect(norms[0]).toBeCloseTo(norms[1] as number, 8);
      for (const name of with8.names) expect(with8.parameter(name), name).toEqual(without.parameter(name));
      expectCopies(with8);
    }
  });

  test("follow a step of LARS as well", () => {
    const store = filled();
    const lars = new Lars(store, groupsOf(store, 0), { momentum: 0.9, trustCoefficient: 0.001 });
    lars.step({ lr: 1, stepIndex: 1 });
    expectCopies(store);
  });

  test("shrink with their weights: the largest magnitude of a column is not that of the step before", () => {
    const store = filled();
    const adamw = new AdamW(store, groupsOf(store), settings);
    adamw.step({ lr: 0.01, stepIndex: 1 });
    for (const name of quantized) store.parameter(name).set(store.parameter(name).map((value) => value / 8));
    adamw.step({ lr: 0.001, stepIndex: 2 });
    expectCopies(store);
  });

  test("are the same for several threads", async () => {
    const store = filled();
    const adamw = new AdamW(store, groupsOf(store), { ...settings, threads: 3, spawn: spawnNodeThread });
    await adamw.ready();
    adamw.step({ lr: 0.01, stepIndex: 1 });
    adamw.close();
    expectCopies(store);
  });
});

describe("a store", () => {
  test("places copies behind everything else, in each segment that its tensors are in", () => {
    const store = filled({ quantized, maxSegmentBytes: 1_400_000 });
    expect(store.memories.length).toBeGreaterThan(1);
    const table = Array.from(store.parameter("table"));
    new AdamW(store, groupsOf(store), settings).step({ lr: 0.01, stepIndex: 1 });
    expectCopies(store);
    expect(Array.from(store.parameter("table"))).toEqual(table);
    expect(store.quantizedNames).toEqual(quantized);
    const attached = ParameterStore.attach(store.handle());
    expect(attached.quantized("wide", "plain")).toEqual(store.quantized("wide", "plain"));
  });

  test("without copies is laid out as ever", () => {
    expect(filled({ quantized: new Set() }).handle().layout).toEqual(filled({}).handle().layout);
  });

  test.each([
    ["a vector", "bias"],
    ["extents that are no multiples of 16", "table"],
  ])("refuses copies of %s", (_, name) => {
    expect(() => filled({ quantized: new Set([name]) })).toThrow(/multiples of 16 rows and columns/);
  });

  test("says that a tensor has no copies", () => {
    expect(() => filled().quantized("other", "plain")).toThrow(/int8 copies of "other"/);
  });
});
