/** Elements that are exchanged at once: large enough to be fast, small enough for the buffers to cost little. */
export const CHUNK_ELEMENTS = 2 ** 21;
/** Bytes of the message that every gathering begins with: the length, and as much of the value as there is room for. */
const HEAD_BYTES = 8192;
const LENGTH_BYTES = 8;

/** What processes do together, all at once, on bytes of the same length everywhere, which stand on shared memory. */
export interface Collectives {
  readonly rank: number;
  readonly size: number;
  /** Piece r of `send` goes to process r; piece r of `received` comes from process r. */
  alltoall(send: Uint8Array, received: Uint8Array): void;
  /** `send` of process r becomes piece r of `received`. */
  allgather(send: Uint8Array, received: Uint8Array): void;
  /** `bytes` of the first process become those of all. */
  broadcast(bytes: Uint8Array): void;
}

/** A stretch of an array that is exchanged at once: `size` pieces, of which the last may reach beyond its end. */
export interface Stretch {
  start: number;
  length: number;
  /** Elements of a piece. */
  piece: number;
}

/** Cuts an array into stretches that `size` processes share out among them. */
export function stretchesOf(length: number, size: number, chunk = CHUNK_ELEMENTS): Stretch[] {
  return Array.from({ length: Math.ceil(length / chunk) }, (_, index) => {
    const start = index * chunk;
    const here = Math.min(chunk, length - start);
    return { start, length: here, piece: Math.ceil(here / size) };
  });
}

/** Sums over processes in the order of the ranks, and what else goes over whole arrays. See {@link Ranks}. */
export class Exchange {
  readonly #collectives: Collectives;
  readonly #chunk: number;
  readonly #sent: Float32Array;
  readonly #received: Float32Array;

  constructor(collectives: Collectives, chunk = CHUNK_ELEMENTS) {
    this.#collectives = collectives;
    this.#chunk = chunk;
    const room = 4 * (chunk + collectives.size);
    // Memory that does not move while a library has its address.
    this.#sent = new Float32Array(new SharedArrayBuffer(room));
    this.#received = new Float32Array(new SharedArrayBuffer(room));
  }

  addInOrder(values: readonly Float32Array[], sums: readonly Float32Array[], contributors: number): void {
    const { rank, size } = this.#collectives;
    overStretches(values, size, this.#chunk, (array, index, { start, length, piece }) => {
      const whole = array.subarray(start, start + length);
      const received = this.#received.subarray(0, size * piece);
      this.#collectives.alltoall(bytesOf(this.#padded(whole, size * piece)), bytesOf(received));
      const sum = pieceOf(sums[index] as Float32Array, { start, length, piece }, rank);
      for (let from = 0; from < contributors; from++) add(sum, received.subarray(from * piece, (from + 1) * piece));
    });
  }

  completeSums(sums: readonly Float32Array[]): void {
    const { rank, size } = this.#collectives;
    overStretches(sums, size, this.#chunk, (array, _, { start, length, piece }) => {
      const own = this.#sent.subarray(0, piece);
      own.set(pieceOf(array, { start, length, piece }, rank));
      const whole = array.subarray(start, start + length);
      const received = length === size * piece ? whole : this.#received.subarray(0, size * piece);
      this.#collectives.allgather(bytesOf(own), bytesOf(received));
      if (received !== whole) whole.set(received.subarray(0, length));
    });
  }

  share(arrays: readonly Float32Array[]): void {
    overStretches(arrays, this.#collectives.size, this.#chunk, (array, _, { start, length }) => {
      this.#collectives.broadcast(bytesOf(array.subarray(start, start + length)));
    });
  }

  /** What each process gives, in the order of the ranks. Short messages take one exchange, longer ones two. */
  gather(bytes: Uint8Array): Uint8Array[] {
    const heads = this.#gatherPadded(head(bytes), HEAD_BYTES);
    const lengths = heads.map((message) => new DataView(message.buffer, message.byteOffset).getFloat64(0, true));
    const longest = Math.max(...lengths);
    const shorts = longest <= HEAD_BYTES - LENGTH_BYTES;
    const messages = shorts
      ? heads.map((message) => message.subarray(LENGTH_BYTES))
      : this.#gatherPadded(bytes, longest);
    return messages.map((message, rank) => message.slice(0, lengths[rank]));
  }

  /** What the first process gives. */
  spread(bytes: Uint8Array): Uint8Array {
    const length = new Float64Array(new SharedArrayBuffer(8)).fill(bytes.length);
    this.#collectives.broadcast(bytesOf(length));
    const told = new Uint8Array(new SharedArrayBuffer(length[0] as number));
    if (this.#collectives.rank === 0) told.set(bytes);
    const most = 4 * this.#chunk;
    for (let at = 0; at < told.length; at += most) this.#collectives.broadcast(told.subarray(at, at + most));
    return told.slice();
  }

  /** Messages of at most `room` bytes, which each then takes. */
  #gatherPadded(bytes: Uint8Array, room: number): Uint8Array[] {
    const { size } = this.#collectives;
    const sent = new Uint8Array(new SharedArrayBuffer(room));
    sent.set(bytes);
    const received = new Uint8Array(new SharedArrayBuffer(size * room));
    this.#collectives.allgather(sent, received);
    return Array.from({ length: size }, (_, rank) => received.subarray(rank * room, (rank + 1) * room));
  }

  /** The values themselves where they fill the pieces, else a copy with zeros behind. */
  #padded(values: Float32Array, length: number): Float32Array {
    if (values.length === length) return values;
    const padded = this.#sent.subarray(0, length);
    padded.set(values);
    padded.fill(0, values.length);
    return padded;
  }
}

/** Does work for each stretch of each array. */
export function overStretches(
  arrays: readonly Float32Array[],
  size: number,
  chunk: number,
  work: (array: Float32Array, index: number, stretch: Stretch) => void,
): void {
  for (const [index, array] of arrays.entries()) {
    for (const stretch of stretchesOf(array.length, size, chunk)) work(array, index, stretch);
  }
}

/** A message's length and its beginning. */
function head(bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(Math.min(HEAD_BYTES, LENGTH_BYTES + bytes.length));
  new DataView(message.buffer).setFloat64(0, bytes.length, true);
  message.set(bytes.subarray(0, message.length - LENGTH_BYTES), LENGTH_BYTES);
  return message;
}

/** The part of an array that a process adds. */
export function pieceOf(array: Float32Array, { start, length, piece }: Stretch, rank: number): Float32Array {
  const [from, to] = [Math.min(length, rank * piece), Math.min(length, (rank + 1) * piece)];
  return array.subarray(start + from, start + to);
}

/** Adds values to a sum, one after another. */
export function add(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (values[i] as number);
}

function bytesOf(values: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
