import { dirname, join } from "node:path";
import type { onnx } from "../../engine/onnx/generated/onnx.js";
import { Allowance } from "./allowance.ts";
import { containerFault } from "./container.ts";
import { readInto, withFile } from "./opened-file.ts";
import { isPlainName, requireBeside } from "./plain-name.ts";

/** Where a tensor's bytes stand in a file beside the model. */
export interface ExternalPlace {
  file: string;
  at: number;
  bytes: number;
}

/**
 * Where a tensor says that its bytes are.
 *
 * @throws MsmaeError "Checkpoint" where that is in another folder, nowhere, or of another size than its shape needs.
 */
export function externalPlace(proto: onnx.TensorProto, bytes: number, where: string): ExternalPlace {
  const facts = new Map(proto.externalData.map(({ key, value }) => [key ?? "", value ?? ""]));
  const file = facts.get("location")?.replace(/^\.\//, "") ?? "";
  if (!isPlainName(file)) {
    throw containerFault(where, "the name of a file in the same folder", JSON.stringify(file), "do not use it");
  }
  const at = Number(facts.get("offset") ?? 0);
  const length = Number(facts.get("length") ?? bytes);
  if (!Number.isSafeInteger(at) || at < 0) throw containerFault(where, "an offset in bytes", `${facts.get("offset")}`);
  if (length !== bytes) throw containerFault(where, `${bytes} bytes for its shape`, `${facts.get("length")}`);
  return { file, at, bytes };
}

/**
 * Reads what is kept of the model at `path`, file after file.
 *
 * @throws MsmaeError "Checkpoint" for files that are missing (all are named) or too short, and for places that take many times what
 * is stored.
 */
export async function readExternal(
  path: string,
  places: ReadonlyMap<string, ExternalPlace>,
  keep: (name: string) => boolean,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const read = new Map<string, Uint8Array<ArrayBuffer>>();
  const files = [...new Set([...places.values()].map(({ file }) => file))];
  await requireBeside(path, files);
  for (const name of files) {
    await withFile(join(dirname(path), name), async (file) => {
      const allowance = new Allowance(file.size);
      for (const [tensor, place] of places) {
        if (place.file !== name) continue;
        const end = place.at + place.bytes;
        if (end > file.size) throw containerFault(`${file.path}: "${tensor}"`, `${end} bytes`, `${file.size}`);
        allowance.take(place.bytes, file.path);
        if (!keep(tensor)) continue;
        const bytes = new Uint8Array(place.bytes);
        await readInto(file, bytes, place.at);
        read.set(tensor, bytes);
      }
    });
  }
  return read;
}
