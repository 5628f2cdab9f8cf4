import { hammingDistance } from "./perceptual-hash.ts";

/** Largest number of differing bits that {@link HashIndex.within} can promise to find. */
export const LARGEST_DISTANCE = 11;

const CHUNKS = 4;
const BUCKETS = 65_536;
/** Every way to change at most two of a chunk's 16 bits. */
const CHANGES = chunkChanges();

/**
 * Finds hashes that differ in few bits without comparing all with all: of four chunks of 16 bits, two hashes that
 * differ in at most 11 bits have one that differs in at most two, so looking into the 137 neighbouring buckets of each
 * chunk misses none.
 * Source: Norouzi, Punjani and Fleet 2012, multi-index hashing.
 */
export class HashIndex {
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  /** Of each chunk: where a bucket begins, and the members of all buckets one after the other. */
  readonly #tables: { starts: Int32Array; members: Int32Array }[];
  /** Of each member: the last query that has seen it. */
  readonly #seen: Int32Array;
  #query = 0;

  constructor(low: Uint32Array, high: Uint32Array) {
    this.#low = low;
    this.#high = high;
    this.#seen = new Int32Array(low.length);
    this.#tables = Array.from({ length: CHUNKS }, (_, chunk) => this.#table(chunk));
  }

  /** Calls back with every member, and its distance, that differs from a hash in at most 11 bits. */
  within(low: number, high: number, found: (member: number, distance: number) => void): void {
    this.#query++;
    for (const [chunk, { starts, members }] of this.#tables.entries()) {
      const key = chunkOf(low, high, chunk);
      for (const change of CHANGES) {
        const bucket = key ^ change;
        const end = starts[bucket + 1] as number;
        for (let at = starts[bucket] as number; at < end; at++) {
          const member = members[at] as number;
          if (this.#seen[member] === this.#query) continue;
          this.#seen[member] = this.#query;
          const distance = hammingDistance(low, high, this.#low[member] as number, this.#high[member] as number);
          if (distance <= LARGEST_DISTANCE) found(member, distance);
        }
      }
    }
  }

  #table(chunk: number): { starts: Int32Array; members: Int32Array } {
    const count = this.#low.length;
    const starts = new Int32Array(BUCKETS + 1);
    const key = (at: number) => chunkOf(this.#low[at] as number, this.#high[at] as number, chunk);
    for (let at = 0; at < count; at++) starts[key(at) + 1] = (starts[key(at) + 1] as number) + 1;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      starts[bucket + 1] = (starts[bucket + 1] as number) + (starts[bucket] as number);
    }
    const next = starts.slice();
    const members = new Int32Array(count);
    for (let at = 0; at < count; at++) {
      const slot = next[key(at)] as number;
      members[slot] = at;
      next[key(at)] = slot + 1;
    }
    return { starts, members };
  }
}

function chunkOf(low: number, high: number, chunk: number): number {
  const word = chunk < 2 ? low : high;
  return chunk % 2 === 0 ? word & 0xffff : word >>> 16;
}

function chunkChanges(): number[] {
  const changes = [0];
  for (let first = 0; first < 16; first++) {
    changes.push(1 << first);
    for (let second = first + 1; second < 16; second++) changes.push((1 << first) | (1 << second));
  }
  return changes;
}
