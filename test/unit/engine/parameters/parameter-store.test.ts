import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Arena, ParameterStore, type TensorSpec } from "../../../../src/engine/parameters/parameter-store.ts";
import { MAX_SEGMENT_BYTES, type TensorRole } from "../../../../src/engine/parameters/store-layout.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";

const specs: TensorSpec[] = [
  { name: "cls_token", shape: [1, 1, 5], role: "trainable" },
  { name: "pos_embed", shape: [1, 7, 5], role: "fixed" },
  { name: "head.weight", shape: [3, 33], role: "trainable" },
  { name: "scalar", shape: [], role: "trainable" },
];

const roles: TensorRole[] = ["trainable", "fixed", "state"];

describe("ParameterStore", () => {
  test("views keep what was written, aligned to 64 bytes, and do not overlap", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ rows: fc.integer({ min: 1, max: 60 }), role: fc.constantFrom<TensorRole>(...roles) }), {
          minLength: 1,
          maxLength: 30,
        }),
        (rows) => {
          const many = rows.map((row, i) => ({ name: `t${i}`, shape: [row.rows, 37], role: row.role }));
          const store = ParameterStore.create(many, { accumulate: true, ema: true, maxSegmentBytes: 131072 });
          const views = many.flatMap(({ name, role }) =>
            role === "trainable"
              ? [
                  store.parameter(name),
                  store.gradient(name),
                  store.firstMoment(name),
                  store.secondMoment(name),
                  store.accumulator(name),
                  store.ema(name),
                ]
              : [store.parameter(name)],
          );
          for (const [index, view] of views.entries()) view.fill(index + 1);
          for (const [index, view] of views.entries()) {
            expect(view.byteOffset % 64).toBe(0);
            expect(view.every((value) => value === index + 1)).toBe(true);
          }
          for (const memory of store.memories) expect(memory.buffer.byteLength).toBeLessThanOrEqual(131072);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("names, shapes and kinds follow the specs", () => {
    const store = ParameterStore.create(specs);
    expect(store.names).toEqual(["cls_token", "pos_embed", "head.weight", "scalar"]);
    expect(store.trainableNames).toEqual(["cls_token", "head.weight", "scalar"]);
    expect(store.shapeOf("head.weight")).toEqual([3, 33]);
    expect(store.parameter("head.weight")).toHaveLength(99);
    expect(store.parameter("scalar")).toHaveLength(1);
    expect(store.has("head.bias")).toBe(false);
    expect(store.keeps("firstMoment")).toBe(true);
    expect(store.keeps("ema")).toBe(false);
    expect(store.memories[0]?.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  test("flat covers each trainable tensor once, with zero padding, and no frozen tensor", () => {
    const store = ParameterStore.create(specs);
    for (const name of store.trainableNames) store.gradient(name).fill(1);
    store.parameter("pos_embed").fill(5);
    const [flat, ...rest] = store.flat("gradient");
    expect(rest).toHaveLength(0);
    expect(flat).toHaveLength(16 + 112 + 16);
    expect(flat?.reduce((sum, value) => sum + value, 0)).toBe(5 + 99 + 1);
    expect(store.flat("parameter")[0]?.every((value) => value === 0)).toBe(true);
  });

  test("a segment is begun where the next tensor would pass the limit", () => {
    const rows = Array.from({ length: 5 }, (_, i) => ({ name: `t${i}`, shape: [8000], role: "trainable" as const }));
    const store = ParameterStore.create(rows, { maxSegmentBytes: 262144 });
    expect(rows.map(({ name }) => store.place(name).segment)).toEqual([0, 1, 2, 3, 4].map((i) => Math.floor(i / 2)));
    expect(store.flat("secondMoment").map((view) => view.length)).toEqual([16000, 16000, 8000]);
  });

  test("a model of 10 GB of state is planned in memories below 4 GiB", () => {
    expect(MAX_SEGMENT_BYTES).toBeLessThan(2 ** 32);
    const rows = Array.from({ length: 160 }, (_, i) => ({
      name: `t${i}`,
      shape: [4_000_000],
      role: "trainable" as const,
    }));
    const store = ParameterStore.create(rows);
    expect(store.memories).toHaveLength(3);
    const last = store.secondMoment("t159");
    last[last.length - 1] = 3;
    expect(store.flat("secondMoment").at(-1)?.at(-1)).toBe(3);
  });

  test("another thread sees and changes the same tensors through the handle", async () => {
    const store = ParameterStore.create(specs, { maxSegmentBytes: 65536 });
    store.parameter("head.weight")[98] = 2;
    const worker = new Worker(
      `const { workerData, parentPort } = require("node:worker_threads");
       import(workerData.module).then(({ ParameterStore }) => {
         const store = ParameterStore.attach(workerData.handle);
         store.gradient("head.weight")[98] = store.parameter("head.weight")[98] * 21;
         store.parameter("pos_embed")[34] = 7;
         parentPort.postMessage(store.names);
       });`,
      {
        eval: true,
        workerData: {
          handle: store.handle(),
          module: new URL("../../../../src/engine/parameters/parameter-store.ts", import.meta.url).href,
        },
      },
    );
    const names = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    await worker.terminate();
    expect(names).toEqual(store.names);
    expect(store.gradient("head.weight")[98]).toBe(42);
    expect(store.parameter("pos_embed")[34]).toBe(7);
  });

  const refused: [string, () => unknown, RegExp][] = [
    ["a repeated name", () => ParameterStore.create([...specs, ...specs]), /occurs once/],
    ["an empty dimension", () => ParameterStore.create([{ name: "a", shape: [2, 0], role: "trainable" }]), /\[2, 0\]/],
    [
      "a tensor larger than a segment",
      () => ParameterStore.create([{ name: "a", shape: [100000], role: "trainable" }], { maxSegmentBytes: 65536 }),
      /at most 64512 bytes/,
    ],
    ["an unknown name", () => ParameterStore.create(specs).parameter("x"), /"x"/],
    ["the gradient of a fixed tensor", () => ParameterStore.create(specs).gradient("pos_embed"), /a fixed one/],
    ["a state that is trained", () => ParameterStore.create(specs).state("scalar"), /a trainable one/],
    ["a quantity that was not asked for", () => ParameterStore.create(specs).ema("cls_token"), /keeps ema/],
    [
      "moments of a store without",
      () => ParameterStore.create(specs, { moments: false }).firstMoment("scalar"),
      /keeps/,
    ],
    ["flat of a quantity not kept", () => ParameterStore.create(specs).flat("accumulator" satisfies Arena), /keeps/],
  ];
  test.each(refused)("refuses %s", (_, act, message) => {
    expect(act).toThrow(MsmaeError);
    expect(act).toThrow(message);
  });
});
