import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { inspect } from "../../../../src/interop/inspect.ts";
import { writeSafetensorsFile } from "../../../../src/interop/safetensors-file.ts";
import { readStartingWeights } from "../../../../src/interop/starting-weights.ts";
import { readTensorFile } from "../../../../src/interop/tensor-file.ts";

const root = mkdtempSync(join(tmpdir(), "msmae-shards-"));
afterAll(() => rmSync(root, { recursive: true }));

const INDEX = "model.safetensors.index.json";
const one = (value: number) => ({ shape: [1], data: Float32Array.of(value) });
let folders = 0;

/** A folder with two shards, and the index that `weightMap` makes. */
async function folderOf(index: unknown): Promise<string> {
  const folder = join(root, `${folders++}`);
  mkdirSync(folder);
  await writeSafetensorsFile(
    join(folder, "1.safetensors"),
    new Map([
      ["a", one(1)],
      ["b", one(2)],
    ]),
  );
  await writeSafetensorsFile(join(folder, "2.safetensors"), new Map([["c", one(3)]]));
  writeFileSync(join(folder, INDEX), typeof index === "string" ? index : JSON.stringify(index));
  return folder;
}
const honest = {
  metadata: { total_size: 12 },
  weight_map: { a: "1.safetensors", c: "2.safetensors", b: "1.safetensors" },
};

describe("shards of safetensors", () => {
  test("are read by the index, or by its folder, every tensor or those that are kept", async () => {
    const folder = await folderOf(honest);
    for (const path of [folder, join(folder, INDEX)]) {
      const { tensors, container, beside } = await readTensorFile(path);
      expect([...tensors].map(([name, { bytes }]) => [name, new DataView(bytes.buffer).getFloat32(0, true)])).toEqual([
        ["a", 1],
        ["b", 2],
        ["c", 3],
      ]);
      expect([container, beside.get("shards")]).toEqual(["sharded safetensors", "1.safetensors, 2.safetensors"]);
    }
    const part = await readTensorFile(folder, { keep: (name) => name === "c" });
    expect([[...part.tensors.keys()], [...part.entries.keys()]]).toEqual([["c"], ["a", "b", "c"]]);
  });

  test("are what inspect and fine-tuning take", async () => {
    const folder = await folderOf(honest);
    expect((await inspect(folder)).keys.map(({ key }) => key)).toEqual(["a", "b", "c"]);
    expect([...(await readStartingWeights(folder, undefined)).tensors.keys()]).toEqual(["a", "b", "c"]);
  });

  test("a folder with one file of weights is that file", async () => {
    const folder = join(root, "single");
    mkdirSync(folder);
    await expect(readTensorFile(folder)).rejects.toThrow(/a folder with model\.safetensors\.index\.json/);
    await writeSafetensorsFile(join(folder, "model.safetensors"), new Map([["a", one(1)]]));
    expect([...(await readTensorFile(folder)).tensors.keys()]).toEqual(["a"]);
  });

  const mapOf = (shard: unknown) => ({ weight_map: { a: "1.safetensors", b: "1.safetensors", c: shard } });
  const refused: [string, unknown, RegExp][] = [
    ["a name that leads upwards", mapOf("../2.safetensors"), /"c": expected the name of a file beside the index/],
    ["an absolute name", mapOf("/etc/passwd"), /a file beside/],
    ["a name of Windows", mapOf("C:\\x.safetensors"), /a file beside/],
    ["a name of a folder below", mapOf("sub/2.safetensors"), /a file beside/],
    ["the folder itself", mapOf(".."), /a file beside/],
    ["no name", mapOf(""), /a file beside/],
    ["a name that is a number", mapOf(2), /a file beside/],
    [
      "shards that are not there",
      { weight_map: { a: "x.safetensors", b: "y.safetensors" } },
      /x\.safetensors, y\.safe/,
    ],
    ["a tensor that no shard has", { weight_map: { ...honest.weight_map, d: "2.safetensors" } }, /"d".*got none/],
    ["a tensor in another shard", { weight_map: { ...honest.weight_map, a: "2.safetensors" } }, /"a": .*places here/],
    ["a tensor it does not name", { weight_map: { a: "1.safetensors", c: "2.safetensors" } }, /"b": .*places here/],
    ["a tensor that it names twice", '{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}', /"a" twice/],
    ["no map", { metadata: {} }, /weight_map/],
    ["a list for a map", { weight_map: [] }, /weight_map/],
    ["no map for a map", { weight_map: null }, /weight_map/],
    ["half of its text", '{"weight_map":{"a"', /JSON/],
  ];
  test.each(refused)("an index with %s is refused", async (_, index, message) => {
    const folder = await folderOf(index);
    await expect(readTensorFile(folder)).rejects.toThrow(expect.objectContaining({ code: "Checkpoint" }));
    await expect(readTensorFile(folder)).rejects.toThrow(message);
  });

  test("a name that objects have of their own is a name like others", async () => {
    const folder = await folderOf(
      `{"weight_map":{"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors","__proto__":"2.safetensors"}}`,
    );
    await expect(readTensorFile(folder)).rejects.toThrow(/"__proto__".*got none/);
  });
});
