import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, describe, expect, test } from "vitest";
import { interpret } from "../../src/engine/graph/interpreter.ts";
import { emitOnnx } from "../../src/engine/onnx/emit.ts";
import { onnx } from "../../src/engine/onnx/generated/onnx.js";
import { checkOperators, type Provider } from "../../src/engine/onnx/operators.ts";
import { nodeBackend } from "../../src/engine/runtime/node-backend.ts";
import { webBackend } from "../../src/engine/runtime/web-backend.ts";
import { MsmaeError } from "../../src/support/errors.ts";
import { notOnGpus, opProgram } from "../support/op-program.ts";
import { onWebgpu } from "../support/webgpu-child.ts";

/**
 * Relative to a tensor's largest element, or to 1 where that is smaller, on every provider: one to a few dozen fp32
 * roundings, and the polynomials that stand for erf and exp (seen: 6e-7 on the CPU, 3e-7 on WebGPU).
 */
const tolerance = 2e-6;

const { graph, feeds, names } = opProgram();
const portable = opProgram(notOnGpus);
const graphOf = (provider: Provider) => (provider === "cpu" || provider === "wasm" ? graph : portable.graph);
const plain = Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, data]));
const exact = interpret(graph, plain);

function expectClose(name: string, got: Readonly<Record<string, ArrayLike<number>>>): void {
  const outputs = [...exact.keys()].filter((output) => output.startsWith(`${name}/`));
  expect(outputs.length).toBeGreaterThan(1);
  for (const output of outputs) {
    const expected = exact.get(output)?.data as Float64Array;
    const values = got[output] as ArrayLike<number>;
    expect([output, values.length]).toEqual([output, expected.length]);
    const allowed = tolerance * expected.reduce((a, x) => Math.max(a, Math.abs(x)), 1);
    expected.forEach((value, i) => {
      expect(Math.abs((values[i] as number) - value), `${output}[${i}]`).toBeLessThanOrEqual(allowed);
    });
  }
}

function operatorsIn(model: Uint8Array): Set<string> {
  const nodes = onnx.ModelProto.decode(model).graph?.node ?? [];
  return new Set(nodes.map(({ domain, opType }) => (domain ? `${domain}:${opType}` : String(opType))));
}

async function onCpu(model: Uint8Array, given = feeds): Promise<Record<string, ArrayLike<number>>> {
  const session = await nodeBackend.createSession(model, { provider: "cpu", threads: 1 });
  const results = await session.run(given, {});
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

const onnxRuntime = await onCpu(emitOnnx(graph, "cpu"));
describe("every operator and its derivative on ONNX Runtime's CPU equal the float64 interpreter", () => {
  test.each(names)("%s", (name) => expectClose(name, onnxRuntime));
});

const lowered = await onCpu(emitOnnx(portable.graph, "webgpu"), portable.feeds);
describe("every operator as it is written for WebGPU, run on the CPU, equals the float64 interpreter", () => {
  test.each(portable.names)("%s", (name) => expectClose(name, lowered));
});

describe("which provider ran", () => {
  const folder = mkdtempSync(join(tmpdir(), "msmae-profile-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is the CPU provider for every node of the CPU graph", async () => {
    const session = await ort.InferenceSession.create(emitOnnx(graph, "cpu"), {
      executionProviders: ["cpu"],
      enableProfiling: true,
      profileFilePrefix: join(folder, "profile"),
      logSeverityLevel: 3,
    });
    const inputs = Object.entries(feeds).map(([name, { data, shape }]) => [
      name,
      new ort.Tensor("float32", data, shape),
    ]);
    await session.run(Object.fromEntries(inputs));
    session.endProfiling();
    await session.release();
    const file = spawnSync("ls", [folder], { encoding: "utf8" }).stdout.trim();
    const events = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
      cat: string;
      args?: { provider?: string };
    }[];
    const providers = events.flatMap(({ cat, args }) => (cat === "Node" && args?.provider ? [args.provider] : []));
    expect(providers.length).toBeGreaterThan(100);
    expect(new Set(providers)).toEqual(new Set(["CPUExecutionProvider"]));
  });
});

describe("operators of a provider", () => {
  const providers: Provider[] = ["cpu", "wasm", "webgpu", "cuda"];
  test.each(providers)("%s: every operator that is written is one that it runs", (provider) => {
    const written = operatorsIn(emitOnnx(graphOf(provider), provider));
    expect(written.size).toBeGreaterThan(20);
    expect(() => checkOperators("graph", written, provider)).not.toThrow();
  });

  test("webgpu: nothing outside of standard ONNX is written", () => {
    expect([...operatorsIn(emitOnnx(portable.graph, "webgpu"))].filter((operator) => operator.includes(":"))).toEqual(
      [],
    );
  });

  test("those it lacks are refused, all by name, before anything runs", () => {
    const used = ["Add", "com.microsoft:FusedMatMul", "LogSoftmax", "com.microsoft:FusedMatMul"];
    const refusal = () => checkOperators('graph "pretrain"', used, "webgpu");
    expect(refusal).toThrow(MsmaeError);
    expect(refusal).toThrow(
      /^graph "pretrain": expected operators that webgpu runs, got com\.microsoft:FusedMatMul, LogSoftmax; /,
    );
    expect(() => checkOperators("graph", used, "cpu")).not.toThrow();
  });
});

const wasm = await webBackend.createSession(emitOnnx(graph, "wasm"), { provider: "wasm", threads: 1 }).then(
  async (session) => (await session.run(feeds, {})) as Record<string, { data: Float32Array }>,
  (error: unknown) => String(error),
);
const noWasm = typeof wasm === "string" ? ` SKIPPED: onnxruntime-web does not load here (${wasm})` : "";
describe.skipIf(noWasm)(`every operator on ONNX Runtime's WebAssembly equals the float64 interpreter${noWasm}`, () => {
  test.each(names)("%s", (name) => {
    const outputs = Object.entries(wasm as Record<string, { data: Float32Array }>).map(([key, { data }]) => [
      key,
      data,
    ]);
    expectClose(name, Object.fromEntries(outputs));
  });
});

const { printed, skipped: noWebgpu } = onWebgpu("run-operators.ts", ["webgpu"]);
describe.skipIf(noWebgpu)(`every operator on WebGPU equals the float64 interpreter${noWebgpu}`, () => {
  test.each(portable.names)("%s", (name) => expectClose(name, JSON.parse(printed)));
});
