import { MsmaeError } from "../../support/errors.ts";
import type { SafetensorsDtype, StoredTensor } from "../safetensors.ts";

/** Which tensors to keep; all unless told otherwise. Nothing of the others is read. */
export interface KeepOptions {
  keep?: (name: string) => boolean;
}

/** What a tensor is, without its values. */
export interface TensorFacts {
  dtype: SafetensorsDtype;
  shape: readonly number[];
}

/** What a file of tensors holds, whatever its format. */
export interface TensorFile {
  /** The format, as a title. */
  container: string;
  metadata: Readonly<Record<string, string>>;
  /** Every tensor of the file, kept or not, in its order. */
  entries: ReadonlyMap<string, TensorFacts>;
  /** Those that were kept, each in memory of its own. */
  tensors: ReadonlyMap<string, StoredTensor>;
  /** What stands beside the tensors, by name, in words; nothing of it is built. */
  beside: ReadonlyMap<string, string>;
}

const DAMAGED = "download or copy the file again, and compare its checksum with its source's";

/** The error for a file of tensors that cannot be read as such. */
export function containerFault(where: string, expected: string, got: string, todo = DAMAGED, cause?: unknown) {
  const short = got.length > 200 ? `${got.slice(0, 200)}…` : got;
  return new MsmaeError("Checkpoint", { where, expected, got: short, todo }, { cause });
}
