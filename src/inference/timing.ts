import type { RunHooks } from "../support/events.ts";

/**
 * Median seconds of each of several runs, which take turns so that a busy machine slows all of them, reporting a phase. The first
 * round, in which they still allocate, is not counted.
 *
 * @param runs each does its work once, and says how many seconds of it count.
 * @throws the signal's reason when it fires.
 */
export async function secondsInTurn(
  runs: readonly (() => Promise<number>)[],
  repeats: number,
  { signal, onEvent }: RunHooks,
): Promise<number[]> {
  const seconds = runs.map((): number[] => []);
  onEvent?.({ type: "phase", name: "timing", total: repeats });
  for (let repeat = 0; repeat <= repeats; repeat++) {
    signal?.throwIfAborted();
    for (const [i, run] of runs.entries()) {
      const once = await run();
      if (repeat > 0) seconds[i]?.push(once);
    }
    if (repeat > 0) onEvent?.({ type: "phase-progress", done: repeat });
  }
  return seconds.map(median);
}

/** Seconds that some work takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
}
