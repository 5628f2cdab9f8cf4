import { messageOf } from "../support/errors.ts";
import { isFolder } from "../support/files/path-kind.ts";
import { readStart } from "../support/files/regular-file.ts";
import { containerFault, type KeepOptions, type TensorFile } from "./containers/container.ts";
import { readOnnx } from "./containers/onnx.ts";
import { readSharded, weightsOfFolder } from "./containers/sharded.ts";
import { readTorchFile } from "./containers/torch-file.ts";
import { readSafetensorsFile } from "./safetensors-file.ts";
import { weightsPath } from "./shipped-weights.ts";

/** Bytes that tell every format. */
const START_BYTES = 64;

/**
 * Reads the tensors of a checkpoint, ours or another program's: safetensors, an index of its shards, files of
 * torch.save in both of its forms, ONNX models, a folder with one of these, or `msmae:NAME`. The format is told by the content, whatever the name.
 *
 * @throws MsmaeError "Checkpoint" for a file that is missing, damaged, dishonest or of another format.
 */
export async function readTensorFile(named: string, options: KeepOptions = {}): Promise<TensorFile> {
  const path = await weightsPath(named);
  if (await isFolder(path)) return readTensorFile(await weightsOfFolder(path), options);
  const start = await startOf(path);
  if (isJson(start)) return readSharded(path, options);
  if (start.startsWith("PK\x03\x04")) return readTorchFile(path, "zip", options);
  if (isPickle(start)) return readTorchFile(path, "legacy", options);
  if (isOnnx(start)) return readOnnx(path, options);
  const { metadata, entries, tensors } = await readSafetensorsFile(path, options);
  return { container: "safetensors", metadata, entries, tensors, beside: new Map() };
}

async function startOf(path: string): Promise<string> {
  try {
    return (await readStart(path, START_BYTES)).toString("latin1");
  } catch (error) {
    throw containerFault(path, "a readable checkpoint", messageOf(error), "check the path and its permissions", error);
  }
}

/** The header of safetensors is JSON too, but behind 8 bytes of which the last are zero. */
function isJson(start: string): boolean {
  return /^\s*\{\s*("|$|\})/.test(start) && !start.includes("\0");
}

/** With the opcode that says the protocol; or, in protocols 0 and 1, torch.save's magic number as text. */
function isPickle(start: string): boolean {
  return (start.startsWith("\x80") && start.charCodeAt(1) <= 5) || start.startsWith("L119547037146038801333356L");
}

/** Field 1, the version of the format, and a field behind it; a header of safetensors of so few bytes begins with a brace. */
function isOnnx(start: string): boolean {
  return start.startsWith("\b") && start.charCodeAt(1) < 0x80 && start[8] !== "{";
}
