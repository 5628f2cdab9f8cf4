import { deserialize, serialize } from "node:v8";
import type { Worker } from "node:worker_threads";
import { fromPortable, MsmaeError, messageOf } from "../support/errors.ts";
import { moduleUrl } from "../support/module-url.ts";
import { startThread } from "../support/threads/start-thread.ts";
import { type Launch, launchOf } from "./launch.ts";
import type { Joined, RanksCommand, RanksReply, RanksRequest } from "./protocol.ts";
import { oneRank, type Ranks, type Travel } from "./ranks.ts";

/** How long a process that failed may take to end by itself, in ms, before it takes the others along. */
const GRACE_MS = 3_000;

/**
 * Joins the processes that mpirun or srun started with this one; one that was started alone stays alone, and needs
 * neither MPI nor koffi.
 *
 * @throws MsmaeError Device where the processes cannot reach each other: they never train apart from each other.
 */
export async function joinRanks(): Promise<Ranks> {
  const launch = launchOf();
  return launch === undefined ? oneRank : MpiRanks.join(launch);
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The processes of an MPI job, over a thread that calls MPI. */
class MpiRanks implements Ranks {
  readonly #thread: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #joined: Joined = { rank: 0, size: 0 };
  #count = 0;
  #seconds = 0;
  /** Since when some call has been in hand. */
  #since = 0;
  #failure: Error | undefined;

  private constructor(launch: Launch) {
    this.#thread = startThread(moduleUrl("./mpi-worker", import.meta.url), launch);
    this.#thread.on("message", (reply: RanksReply) => this.#settle(reply));
    this.#thread.on("error", (error) => this.#fail(messageOf(error)));
    this.#thread.on("exit", (code) => this.#fail(`exit code ${code}`));
  }

  static async join(launch: Launch): Promise<MpiRanks> {
    const ranks = new MpiRanks(launch);
    try {
      ranks.#joined = (await ranks.#ask({ kind: "ready" })) as Joined;
      return ranks;
    } catch (error) {
      await ranks.#thread.terminate();
      throw error;
    }
  }

  get rank(): number {
    return this.#joined.rank;
  }

  get size(): number {
    return this.#joined.size;
  }

  get seconds(): number {
    return this.#seconds;
  }

  get waiting(): boolean {
    return this.#waiting.size > 0;
  }

  async gather<T>(value: T): Promise<T[]> {
    const parts = (await this.#ask({ kind: "gather", bytes: serialize(value) })) as Uint8Array[];
    return parts.map((bytes) => deserialize(bytes) as T);
  }

  async spread<T>(value: T | undefined): Promise<T> {
    return deserialize((await this.#ask({ kind: "spread", bytes: serialize(value) })) as Uint8Array) as T;
  }

  async share(arrays: readonly Float32Array[]): Promise<void> {
    await this.#ask({ kind: "share", arrays });
  }

  async addInOrder(
    values: readonly Float32Array[],
    sums: readonly Float32Array[],
    contributors: number,
    travel: Travel = {},
  ): Promise<void> {
    await this.#ask({ kind: "addInOrder", values, sums, contributors, travel });
  }

  async completeSums(sums: readonly Float32Array[], travel: Travel = {}): Promise<void> {
    await this.#ask({ kind: "completeSums", sums, travel });
  }

  async leave(): Promise<void> {
    await this.#ask({ kind: "leave" });
    this.#failure = new Error("this process has left the others");
    await this.#thread.terminate();
  }

  abandon(): void {
    // Launchers end all processes when one ends without a farewell; this is for a program that lives on.
    this.#thread.unref();
    setTimeout(() => void this.#ask({ kind: "abort", code: 1 }).catch(() => undefined), GRACE_MS).unref();
  }

  #ask(command: RanksCommand): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#count++;
    if (!this.waiting) this.#since = performance.now();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#thread.postMessage({ ...command, id } satisfies RanksRequest);
    });
  }

  #settle({ id, value, error }: RanksReply): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    if (!this.waiting) this.#seconds += (performance.now() - this.#since) / 1000;
    if (error) waiting.reject(fromPortable(error));
    else waiting.resolve(value);
  }

  /** The thread is gone: nothing that waits for it may wait on. */
  #fail(got: string): void {
    this.#failure ??= new MsmaeError("Device", {
      where: "connection to the other processes",
      expected: "it to last",
      got,
      todo: "look at the messages of the launcher, then go on with --resume",
    });
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
