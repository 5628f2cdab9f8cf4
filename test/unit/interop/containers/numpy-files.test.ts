import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { writeSafetensorsFile } from "../../../../src/interop/safetensors-file.ts";
import { readTensorFile } from "../../../../src/interop/tensor-file.ts";
import { python, withoutPython } from "../../../support/python.ts";
import { tensorsOfEveryType } from "../../../support/tensors-to-store.ts";

const unavailable = withoutPython("numpy, onnx, safetensors.numpy");

/** Writes a file of each format, or reads ours, and prints the shapes and bytes of its tensors. */
const RUN = `
import json, sys
import numpy as np
import onnx
from onnx import helper, numpy_helper
from safetensors.numpy import load_file, save_file

task, path = sys.argv[1:]
drawn = np.random.default_rng(0)
types = ["float64", "float32", "float16", "int64"] + (["int32", "int16", "int8", "uint8"] if task == "safetensors" else [])
tensors = {name: (100 * drawn.standard_normal((3, 5, 2))).astype(name) for name in types}
tensors["scalar"] = np.array(-0.0, dtype=np.float32)
tensors["special"] = np.array([np.nan, np.inf, -np.inf, 1e-42], dtype=np.float32)
if task == "safetensors":
    tensors["bool"] = drawn.random(7) > 0.5
    tensors["empty"] = np.zeros((0, 4), dtype=np.float32)
    save_file(tensors, path)
elif task == "onnx":
    stored = [numpy_helper.from_array(values, name) for name, values in tensors.items()]
    # As a list of numbers, which other programs write.
    tensors["listed"] = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    stored.append(helper.make_tensor("listed", onnx.TensorProto.FLOAT, [2, 3], tensors["listed"].ravel()))
    nodes = [helper.make_node("Identity", ["scalar"], ["y"])]
    output = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [])
    onnx.save(helper.make_model(helper.make_graph(nodes, "weights", [], [output], stored)), path)
else:
    tensors = load_file(path)
print(json.dumps({name: [list(values.shape), values.tobytes().hex()] for name, values in tensors.items()}))
`;

describe.skipIf(unavailable)(`files of NumPy's arrays${unavailable ? ` SKIPPED: ${unavailable}` : ""}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "msmae-numpy-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  type Told = Record<string, [shape: number[], hex: string]>;
  const run = (task: string, path: string) =>
    JSON.parse(execFileSync(python as string, ["-c", RUN, task, path], { encoding: "utf8" })) as Told;
  const plainly = ({ shape, bytes }: { shape: readonly number[]; bytes: Uint8Array }) => [
    shape,
    Buffer.from(bytes).toString("hex"),
  ];

  test.each(["safetensors", "onnx"])("%s written there is read here bit for bit", async (format) => {
    const path = join(folder, `theirs.${format}`);
    const written = run(format, path);
    const { tensors } = await readTensorFile(path);
    expect(Object.fromEntries([...tensors].map(([name, tensor]) => [name, plainly(tensor)]))).toEqual(written);
  });

  test("safetensors written here is read there bit for bit", async () => {
    const path = join(folder, "ours.safetensors");
    const tensors = tensorsOfEveryType();
    await writeSafetensorsFile(path, tensors);
    const wanted = [...tensors].map(([name, { shape, data }]) => {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return [name, plainly({ shape, bytes })] as const;
    });
    expect(run("read", path)).toEqual(Object.fromEntries(wanted));
  });
});
