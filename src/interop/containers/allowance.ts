import { containerFault } from "./container.ts";

/** Tensors may share what is stored, so that they are larger than it, but not without end. */
const TIMES = 4;
const FREE_BYTES = 2 ** 26;

/** Counts the bytes that tensors take, against those that are stored: an expanded tensor can be of any size. */
export class Allowance {
  readonly #most: number;
  #taken = 0;

  /** @param storedBytes of the file or files that the tensors come from. */
  constructor(storedBytes: number) {
    this.#most = TIMES * storedBytes + FREE_BYTES;
  }

  /** @throws MsmaeError "Checkpoint" where the tensors taken so far and this one are beyond what is stored. */
  take(bytes: number, where: string): void {
    this.#taken += bytes;
    if (this.#taken <= this.#most) return;
    const expected = `tensors of at most ${this.#most} bytes together, by what is stored`;
    throw containerFault(where, expected, `${this.#taken}`, "save it without expanded tensors");
  }
}
