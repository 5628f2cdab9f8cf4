import type { PortableError } from "../support/errors.ts";
import type { Travel } from "./ranks.ts";

/** What the thread that calls MPI can be asked. Arrays stand on shared memory, bytes are copied. */
export type RanksCommand =
  | { kind: "ready" }
  | { kind: "gather"; bytes: Uint8Array }
  | { kind: "spread"; bytes: Uint8Array }
  | { kind: "share"; arrays: readonly Float32Array[] }
  | {
      kind: "addInOrder";
      values: readonly Float32Array[];
      sums: readonly Float32Array[];
      contributors: number;
      travel: Travel;
    }
  | { kind: "completeSums"; sums: readonly Float32Array[]; travel: Travel }
  | { kind: "leave" }
  | { kind: "abort"; code: number };

export type RanksRequest = RanksCommand & { id: number };

export interface RanksReply {
  id: number;
  value?: unknown;
  error?: PortableError;
}

/** The answer to `ready`. */
export interface Joined {
  rank: number;
  size: number;
}
