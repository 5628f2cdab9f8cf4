import { describe, expect, test } from "vitest";
import { toDtype } from "../../src/engine/graph/dtypes.ts";
import { interpret } from "../../src/engine/graph/interpreter.ts";
import type { Provider } from "../../src/engine/onnx/operators.ts";
import { nodeBackend } from "../../src/engine/runtime/node-backend.ts";
import { compile, type Outputs, Program } from "../../src/engine/runtime/program.ts";
import type { Backend } from "../../src/engine/runtime/session.ts";
import { webBackend } from "../../src/engine/runtime/web-backend.ts";
import { allDtypes, type DtypeProgram, dtypeProgram } from "../support/dtype-program.ts";

const whole = dtypeProgram(allDtypes);

async function run(backend: Backend, provider: Provider, { graph, feeds }: DtypeProgram): Promise<Outputs> {
  const program = await Program.load(backend, compile(graph, provider), { provider, threads: 1 });
  const outputs = await program.run(feeds);
  await program.release();
  return outputs;
}

describe("every dtype goes into a graph and comes out of it as its own kind of array", () => {
  test("in the float64 interpreter", () => {
    const { graph, feeds, expected } = whole;
    const outputs = [...interpret(graph, feeds)].map(([name, { dtype, data }]) => [name, toDtype(dtype, data)]);
    expect(Object.fromEntries(outputs)).toEqual(expected);
  });

  test("on ONNX Runtime's CPU", async () => {
    expect(await run(nodeBackend, "cpu", whole)).toEqual(whole.expected);
  });

  const asWebgpu: Backend = {
    createSession: (model, options) => nodeBackend.createSession(model, { ...options, provider: "cpu" }),
  };
  test("as it is written for WebGPU, where int64 is held as int32, run on the CPU", async () => {
    const small = dtypeProgram(["float32", "int32", "bool"]);
    expect(await run(asWebgpu, "webgpu", small)).toEqual(small.expected);
    const indices = dtypeProgram(["int64", "bool"]);
    const feeds = { ...indices.feeds, "int64/x": BigInt64Array.of(0n, 70_000n, -3n, 300n) };
    const outputs = await run(asWebgpu, "webgpu", { ...indices, feeds });
    expect(outputs["int64/same"]).toEqual(feeds["int64/x"]);
    expect(outputs["bool/int64"]).toEqual(BigInt64Array.of(0n, 1n, 1n, 0n));
  });

  test("on ONNX Runtime's WebAssembly", async (context) => {
    const outputs = await run(webBackend, "wasm", whole).catch((error: unknown) => String(error));
    if (typeof outputs === "string") context.skip(`SKIPPED: onnxruntime-web does not load here (${outputs})`);
    expect(outputs).toEqual(whole.expected);
  });
});

test.each([
  ["float32", BigInt64Array.of(1n, 2n, 3n, 4n), "BigInt64Array of 4"],
  ["int32", Float32Array.of(1, 2, 3, 4), "Float32Array of 4"],
  ["uint8", Int8Array.of(1, 2, 3, 4), "Int8Array of 4"],
  ["bool", Uint8Array.of(1), "Uint8Array of 1"],
] as const)("an array of another kind or length is refused for %s", async (dtype, data, got) => {
  const one = dtypeProgram([dtype]);
  const refused = run(nodeBackend, "cpu", { ...one, feeds: { ...one.feeds, [`${dtype}/x`]: data } });
  await expect(refused).rejects.toMatchObject({ code: "Shape", parts: { expected: `${dtype} [4]`, got } });
});
