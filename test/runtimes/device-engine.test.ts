import { describe, expect, test } from "vitest";
import { input, mul, reduceSum } from "../../src/engine/graph/builders.ts";
import { graph } from "../../src/engine/graph/graph.ts";
import type { Provider } from "../../src/engine/onnx/operators.ts";
import { ParameterStore } from "../../src/engine/parameters/parameter-store.ts";
import { openEngine } from "../../src/engine/thread/node-engine.ts";
import { placementOf } from "../../src/engine/thread/placement.ts";
import { onWebgpu } from "../support/webgpu-child.ts";

/** Relative to the larger of 1 and the value, after a few steps in float32 (seen: 4e-7). */
const tolerance = 2e-6;

interface Trained {
  placement: unknown;
  losses: number[];
  evaluated: number[];
  before: Record<string, number[]>;
  collected: Record<string, number[]>;
  after: Record<string, number[]>;
  infinite: unknown;
}
interface Printed {
  cpu: Trained;
  webgpu: Trained;
  refusals: Record<string, string>;
  exchanging: unknown;
}

function expectClose(got: readonly number[] | undefined, expected: readonly number[] | undefined, what: string): void {
  expect(got?.length, what).toBe(expected?.length);
  expected?.forEach((value, i) => {
    const allowed = tolerance * Math.max(1, Math.abs(value));
    expect(Math.abs((got?.[i] ?? Number.NaN) - value), `${what}[${i}]`).toBeLessThanOrEqual(allowed);
  });
}

const { printed, skipped } = onWebgpu("run-device-engine.ts", ["webgpu"], 300_000);
describe.skipIf(skipped)(`an engine whose tensors stay on WebGPU${skipped}`, () => {
  const result = () => JSON.parse(printed) as Printed;

  test("has the losses and norms of the CPU: with micro-batches, clipping, average, state, after collecting too", () => {
    expectClose(result().webgpu.losses, result().cpu.losses, "losses");
    expect(result().webgpu.losses.length).toBe(12);
  });

  test("evaluates the weights as they are, their average, and what was written to the store and told", () => {
    expectClose(result().webgpu.evaluated, result().cpu.evaluated, "evaluated");
    expect(new Set(result().webgpu.evaluated).size).toBe(3);
  });

  test.each(["collected", "after"] as const)("has brought all of them into the store: %s", (when) => {
    const { cpu, webgpu } = result();
    expect(Object.keys(webgpu[when])).toEqual(["scale", "runningMean", "firstMoment", "secondMoment", "ema"]);
    for (const [name, values] of Object.entries(webgpu[when])) expectClose(values, cpu[when][name], name);
  });

  test("moves nothing before it is collected", () => {
    const { before } = result().webgpu;
    expect(before).toMatchObject({ scale: [1, 1, 1], runningMean: [0, 0, 0], firstMoment: [0, 0, 0], ema: [1, 1, 1] });
  });

  test("leaves everything as it was when the loss is not finite", () => {
    expect([result().cpu.infinite, result().webgpu.infinite]).toEqual(["left", "left"]);
  });

  test("says where tensors stand", () => {
    expect(result().cpu.placement).toEqual({ tensors: "host" });
    expect(result().webgpu.placement).toEqual({ tensors: "device" });
  });

  test("refuses what needs gradients in the host's memory, and a store that was changed before it was collected", () => {
    const { held, alone, lost } = result().refusals;
    expect(held).toBe(
      "engine, update.kind hold: expected gradients in the host's memory, got them on webgpu; open the engine with exchanges: true",
    );
    expect(alone).toContain("engine, step: expected gradients in the host's memory");
    expect(lost).toContain("parameter store: expected changes after what stands on the device was collected");
  });

  test("opened to exchange gradients has them in the store", () => {
    expect(result().exchanging).toMatchObject({
      tensors: "host",
      because: "gradients are exchanged with other processes",
      states: ["running_mean"],
    });
    const { gradient } = result().exchanging as { gradient: number[] };
    expect(gradient.every((value) => value > 0)).toBe(true);
  });
});

describe("where tensors stand", () => {
  const keeps = new Set<Provider>(["webgpu"]);
  test.each([
    ["cpu", "adamw", false, { tensors: "host" }],
    ["wasm", "lars", true, { tensors: "host" }],
    ["webgpu", "adamw", false, { tensors: "device" }],
    ["webgpu", undefined, false, { tensors: "device" }],
    ["webgpu", "adamw", true, { tensors: "host", because: "gradients are exchanged with other processes" }],
    ["webgpu", "lars", false, { tensors: "host", because: "LARS steps there" }],
    ["cuda", "adamw", false, { tensors: "host", because: "ONNX Runtime keeps no tensors on cuda between runs here" }],
  ] as const)("on %s by %s, exchanging: %s", (provider, rule, exchanges, placement) => {
    expect(placementOf(provider, rule, { exchanges, keeps })).toEqual(placement);
  });
});

test("without its libraries CUDA is refused with what to do", async (context) => {
  const store = ParameterStore.create([{ name: "w", shape: [4], role: "trainable" }]);
  const engine = await openEngine({ store, provider: "cuda" });
  const w = input("w", [4]);
  const refusal = await engine.load(graph("squares", { loss: reduceSum(mul(w, w), [0]) })).then(
    () => undefined,
    (error: unknown) => error,
  );
  await engine.close();
  if (refusal === undefined) context.skip("SKIPPED: CUDA's libraries are installed here");
  expect(refusal).toMatchObject({ code: "Device", parts: { where: "device cuda" } });
  expect((refusal as Error).message).toContain("docs/installing.md");
});
