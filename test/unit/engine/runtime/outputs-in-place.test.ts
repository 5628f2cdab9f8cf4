import { beforeAll, describe, expect, test } from "vitest";
import { add, input } from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { onnx } from "../../../../src/engine/onnx/generated/onnx.js";
import { nodeBackend } from "../../../../src/engine/runtime/node-backend.ts";
import { withUnreturnedOutputs } from "../../../../src/engine/runtime/node-outputs-in-place.ts";
import { compile } from "../../../../src/engine/runtime/program.ts";
import type { HostTensor, Session } from "../../../../src/engine/runtime/session.ts";

/** 1 MiB. */
const shape = [512, 512];
const x = input("x", shape);
const compiled = compile(
  graph(
    "twice",
    new Map([
      ["sum", add(x, x)],
      ["same", add(add(x, x), x)],
    ]),
  ),
  "cpu",
);

function tensor(fill: number): HostTensor {
  return { dtype: "float32", shape, data: new Float32Array(512 * 512).fill(fill) };
}

test("before the model's own outputs there is one that is a sequence, made by a node that reads nothing", () => {
  const before = onnx.ModelProto.decode(compiled.model);
  const { graph: made, ...rest } = onnx.ModelProto.decode(withUnreturnedOutputs(compiled.model)).toJSON();
  const { graph: was, ...others } = before.toJSON();
  expect(rest).toEqual(others);
  expect(made).toEqual({
    ...was,
    node: [{ opType: "SequenceEmpty", output: ["unreturned"] }, ...was.node],
    output: [
      { name: "unreturned", type: { sequenceType: { elemType: { tensorType: { elemType: 1 } } } } },
      ...was.output,
    ],
  });
});

describe("a session that knows its outputs", () => {
  let session: Session;
  beforeAll(async () => {
    session = await nodeBackend.createSession(compiled.model, {
      provider: "cpu",
      threads: 1,
      outputs: compiled.outputs,
    });
    return () => session.release();
  });

  test("writes those given to where they are given, and others to new arrays", async () => {
    const sum = tensor(0);
    const first = await session.run({ x: tensor(1.5) }, { sum });
    expect(first.sum).toBe(sum);
    expect(sum.data).toEqual(tensor(3).data);
    expect(first.same).toEqual(tensor(4.5));
    const second = await session.run({ x: tensor(2) }, { sum });
    expect(first.same?.data[0]).toBe(4.5);
    expect(second.same?.data[0]).toBe(6);
    expect(Object.keys(second)).toEqual(["sum", "same"]);
  });

  test("copies none of them", async () => {
    const given = { sum: tensor(0), same: tensor(0) };
    const fed = { x: tensor(1) };
    const before = process.memoryUsage().arrayBuffers;
    await session.run(fed, given);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });

  test("fails as any other where a run fails", async () => {
    const wrong = { dtype: "float32", shape: [2, 2], data: new Float32Array(4) } as const;
    await expect(session.run({ x: wrong }, {})).rejects.toThrow(/for input: x/);
  });
});
