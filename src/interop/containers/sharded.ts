import { dirname, join } from "node:path";
import { messageOf } from "../../support/errors.ts";
import { isFile } from "../../support/files/path-kind.ts";
import { readRegular } from "../../support/files/regular-file.ts";
import { repeatedKey } from "../json-keys.ts";
import type { StoredTensor } from "../safetensors.ts";
import { readSafetensorsFile } from "../safetensors-file.ts";
import { containerFault, type KeepOptions, type TensorFacts, type TensorFile } from "./container.ts";
import { isPlainName, requireBeside } from "./plain-name.ts";

/** No honest index is larger: it has a line for each tensor. */
const MAX_INDEX_BYTES = 2 ** 25;

/** What Hugging Face's programs call the weights in a folder of theirs, the first of them that is there. */
const WEIGHTS = ["model.safetensors.index.json", "model.safetensors", "pytorch_model.bin"];

/** The weights in a folder as Hugging Face's programs write it. @throws MsmaeError "Checkpoint" where it has none. */
export async function weightsOfFolder(folder: string): Promise<string> {
  for (const name of WEIGHTS) {
    const path = join(folder, name);
    if (await isFile(path)) return path;
  }
  throw containerFault(
    folder,
    `a checkpoint, or a folder with ${WEIGHTS.join(" or ")}`,
    "a folder without",
    "name a file",
  );
}

/**
 * Reads the tensors of every shard that an index (`model.safetensors.index.json`) names. The shards lie beside it.
 *
 * @throws MsmaeError "Checkpoint" for an index that is none, that names files elsewhere, shards that are missing (all of
 * them are named) or damaged, and tensors that stand in another shard than the index says, or in none.
 */
export async function readSharded(path: string, { keep = () => true }: KeepOptions = {}): Promise<TensorFile> {
  const shardOf = await readIndex(path);
  const shards = [...new Set(shardOf.values())];
  const folder = dirname(path);
  await requireBeside(path, shards);
  const entries = new Map<string, TensorFacts>();
  const tensors = new Map<string, StoredTensor>();
  for (const shard of shards) {
    const file = join(folder, shard);
    const read = await readSafetensorsFile(file, { keep: (name) => shardOf.get(name) === shard && keep(name) });
    for (const [name, { dtype, shape }] of read.entries) {
      const said = shardOf.get(name);
      if (said !== shard)
        throw containerFault(`${file}: "${name}"`, "a tensor that the index places here", said ?? "none");
      entries.set(name, { dtype, shape });
    }
    for (const [name, tensor] of read.tensors) tensors.set(name, tensor);
  }
  for (const [name, shard] of shardOf) {
    if (!entries.has(name))
      throw containerFault(`${join(folder, shard)}: "${name}"`, "the tensor of the index", "none");
  }
  const beside = new Map([["shards", shards.join(", ")]]);
  return { container: "sharded safetensors", metadata: {}, entries, tensors, beside };
}

/** Shard by tensor. */
async function readIndex(path: string): Promise<Map<string, string>> {
  let root: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await readRegular(path, MAX_INDEX_BYTES));
    root = JSON.parse(text);
    const repeated = repeatedKey(text);
    if (repeated !== undefined) throw new Error(`"${repeated}" twice`);
  } catch (error) {
    throw containerFault(path, "an index of JSON text, each key once", messageOf(error), undefined, error);
  }
  const map = root !== null && typeof root === "object" && "weight_map" in root ? root.weight_map : undefined;
  if (map === null || typeof map !== "object" || Array.isArray(map)) {
    throw containerFault(path, `an index with a "weight_map"`, "JSON text without one", "name the weights themselves");
  }
  const shards = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== "string" || !isPlainName(shard)) {
      throw containerFault(
        `${path}: "${name}"`,
        "the name of a file beside the index",
        JSON.stringify(shard),
        "do not use it",
      );
    }
    shards.set(name, shard);
  }
  return shards;
}
