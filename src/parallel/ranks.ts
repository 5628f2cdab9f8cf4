import { fromPortable, MsmaeError, type PortableError, toPortable } from "../support/errors.ts";
import type { ExchangeForm } from "./gradient-codec.ts";

/** How values travel. */
export interface Travel {
  /** "fp32" unless told otherwise. */
  form?: ExchangeForm | undefined;
  /** Which of several arrays that are exchanged apart, each time in the same way: 0 unless told otherwise. */
  part?: number | undefined;
}

/**
 * The processes that train one model together, as one of them sees them. Each calls the same functions in the same
 * order: a call ends when all have made it. One process alone is a case of it.
 */
export interface Ranks {
  /** Which process this is, counted from 0; the first alone writes files and tells people. */
  readonly rank: number;
  readonly size: number;
  /** Seconds in which such a call was in hand, waiting for others included, whatever else was done meanwhile. */
  readonly seconds: number;
  /** Whether a call waits for the other processes. */
  readonly waiting: boolean;
  /** What each process gives, in the order of the ranks. Values are those that `structuredClone` takes. */
  gather<T>(value: T): Promise<T[]>;
  /** What the first process gives. */
  spread<T>(value: T | undefined): Promise<T>;
  /** Overwrites arrays of the same lengths everywhere, on shared memory, by those of the first process. */
  share(arrays: readonly Float32Array[]): Promise<void>;
  /**
   * Adds to `sums` the `values` of the first `contributors` processes, one after another in the order of the ranks, so
   * that the bits are those of one process that adds them. Arrays stand on shared memory. Each process adds one part:
   * the sums are whole after {@link Ranks.completeSums}.
   *
   * In other forms than "fp32" the bits are not those of one process, but are the same in all of these.
   */
  addInOrder(
    values: readonly Float32Array[],
    sums: readonly Float32Array[],
    contributors: number,
    travel?: Travel,
  ): Promise<void>;
  /** Gives each process the parts of the sums that others added. */
  completeSums(sums: readonly Float32Array[], travel?: Travel): Promise<void>;
  /** Ends the connection in order, when every process does. */
  leave(): Promise<void>;
  /** Ends all processes where this one has failed and does not end by itself soon. */
  abandon(): void;
}

/** A process by itself. */
export const oneRank: Ranks = {
  rank: 0,
  size: 1,
  seconds: 0,
  waiting: false,
  gather: async (value) => [value],
  // The first process gives a value.
  spread: async <T>(value: T | undefined) => value as T,
  share: async () => undefined,
  async addInOrder(values, sums) {
    for (const [index, added] of values.entries()) {
      const sum = sums[index] as Float32Array;
      for (let i = 0; i < added.length; i++) sum[i] = (sum[i] as number) + (added[i] as number);
    }
  },
  completeSums: async () => undefined,
  leave: async () => undefined,
  abandon: () => undefined,
};

/** An error that every process meets at once, at those that are not the first, which tells it. */
export class ToldByFirst extends MsmaeError {}

/** An error that every process meets at once: people read it once. */
export function commonError(ranks: Pick<Ranks, "rank">, error: MsmaeError): MsmaeError {
  return ranks.rank === 0 ? error : new ToldByFirst(error.code, error.parts);
}

/**
 * What the first process makes, at every process. @throws what the first process throws, at every process; as
 * {@link ToldByFirst} at the others.
 */
export async function first<T>(ranks: Ranks, work: () => Promise<T>): Promise<T> {
  if (ranks.size === 1) return work();
  let failure: { error: unknown } | undefined;
  let made: { value: T } | { error: PortableError } | undefined;
  if (ranks.rank === 0) {
    try {
      made = { value: await work() };
    } catch (error) {
      failure = { error };
      made = { error: toPortable(error) };
    }
  }
  const told = await ranks.spread(made);
  if (failure) throw failure.error;
  if ("value" in told) return told.value;
  const error = fromPortable(told.error);
  throw error instanceof MsmaeError
    ? commonError(ranks, error)
    : new ToldByFirst("Device", { where: "rank 0", expected: "to go on", got: error.message, todo: "see its error" });
}
