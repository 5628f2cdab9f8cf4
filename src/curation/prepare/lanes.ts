/** How many jobs run side by side. */
const LANES = 8;

/** Runs a few jobs side by side. */
export class Lanes {
  readonly #running = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];

  /** Waits for a free lane, then starts the job. @throws whatever an earlier job threw. */
  async add(job: () => Promise<void>): Promise<void> {
    if (this.#running.size >= LANES) await Promise.race(this.#running);
    this.check();
    const running = job()
      .catch((error: unknown) => {
        this.#failures.push(error);
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  check(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}
