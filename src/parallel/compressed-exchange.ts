import { add, CHUNK_ELEMENTS, type Collectives, overStretches, pieceOf } from "./exchange.ts";
import type { GradientCodec } from "./gradient-codec.ts";

/**
 * Sums over processes whose values travel as a codec makes them, each part twice: to the process that adds it, and as the
 * sum to all. All of them, the one that added it too, take the sum that was sent, so that they stay alike. See {@link Ranks}.
 */
export class CompressedExchange {
  readonly #collectives: Collectives;
  readonly #codec: GradientCodec;
  readonly #chunk: number;
  readonly #sent: Uint8Array;
  readonly #received: Uint8Array;
  /** What was not sent yet, by what it is of. */
  readonly #rests = new Map<string, Float32Array>();
  #values = new Float32Array(0);

  constructor(collectives: Collectives, codec: GradientCodec, chunk = CHUNK_ELEMENTS) {
    this.#collectives = collectives;
    this.#codec = codec;
    this.#chunk = chunk;
    const room = collectives.size * codec.bytesOf(Math.ceil(chunk / collectives.size));
    // Memory that does not move while a library has its address.
    this.#sent = new Uint8Array(new SharedArrayBuffer(room));
    this.#received = new Uint8Array(new SharedArrayBuffer(room));
  }

  addInOrder(values: readonly Float32Array[], sums: readonly Float32Array[], contributors: number): void {
    const { rank, size } = this.#collectives;
    overStretches(values, size, this.#chunk, (array, index, stretch) => {
      const bytes = this.#codec.bytesOf(stretch.piece);
      if (rank < contributors) {
        for (let to = 0; to < size; to++) {
          const piece = pieceOf(array, stretch, to);
          const rest = this.#restOf(`values ${index} ${stretch.start} ${to}`, piece.length);
          this.#codec.encode(piece, rest, this.#sent.subarray(to * bytes, (to + 1) * bytes));
        }
      }
      const received = this.#received.subarray(0, size * bytes);
      this.#collectives.alltoall(this.#sent.subarray(0, size * bytes), received);
      const sum = pieceOf(sums[index] as Float32Array, stretch, rank);
      if (this.#values.length < sum.length) this.#values = new Float32Array(sum.length);
      const decoded = this.#values.subarray(0, sum.length);
      for (let from = 0; from < contributors; from++) {
        this.#codec.decode(received.subarray(from * bytes, (from + 1) * bytes), decoded);
        add(sum, decoded);
      }
    });
  }

  completeSums(sums: readonly Float32Array[]): void {
    const { rank, size } = this.#collectives;
    overStretches(sums, size, this.#chunk, (array, index, stretch) => {
      const bytes = this.#codec.bytesOf(stretch.piece);
      const own = pieceOf(array, stretch, rank);
      const sent = this.#sent.subarray(0, bytes);
      this.#codec.encode(own, this.#restOf(`sums ${index} ${stretch.start}`, own.length), sent);
      const received = this.#received.subarray(0, size * bytes);
      this.#collectives.allgather(sent, received);
      for (let from = 0; from < size; from++) {
        this.#codec.decode(received.subarray(from * bytes, (from + 1) * bytes), pieceOf(array, stretch, from));
      }
    });
  }

  #restOf(what: string, length: number): Float32Array {
    const known = this.#rests.get(what);
    if (known) return known;
    const rest = new Float32Array(length);
    this.#rests.set(what, rest);
    return rest;
  }
}
