import type { PyValue } from "./pickle-values.ts";

/** A file of torch.save while it is read: what was pickled, and the storages beside it. */
export interface TorchArchive {
  root: PyValue;
  /** Which byte of each number comes first. */
  littleEndian: boolean;
  /** Bytes of the storage under a key; undefined where there is none. */
  sizeOf(key: string): number | undefined;
  /** A storage's bytes, in memory of their own. @throws MsmaeError "Checkpoint" where the file is damaged. */
  read(key: string): Promise<Uint8Array<ArrayBuffer>>;
}

/** No honest pickle is larger: weights do not stand in it. */
export const MAX_PICKLE_BYTES = 2 ** 26;
