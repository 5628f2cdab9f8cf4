import { RandomStream } from "../../src/support/random.ts";
import type { Call } from "./interposer.ts";

const seed = Number(process.env.MSMAE_FAULTS_SEED);

/** Every call instead of a few of each kind; takes hours. */
export const all = process.env.MSMAE_FAULTS_ALL === "1";

/** How many times each verb is killed at a random instant. */
export const killsPerVerb = Number(process.env.MSMAE_FAULTS_KILLS ?? 100);

export function drawsOf(...key: number[]): RandomStream {
  return RandomStream.for(seed, "order", ...key);
}

/** What a call does, whatever the process, step or epoch: "write last.#.state.safetensors". */
export function kindOf({ operation, path }: Call, folder: string): string {
  const inside = path.slice(folder.length + 1);
  return `${operation} ${inside.replace(/-[0-9a-f]{8}\b/g, "").replace(/[0-9a-f]*\d+[0-9a-f]*/g, "#")}`;
}

/**
 * The calls to try, counted from 1, in the order to try them in: first one of each kind, then the rest, as drawn.
 * Of calls of one kind in a row, such as the writes of one file, stand in for all: the first, the last and one between.
 */
export function pointsOf(
  calls: readonly Call[],
  folder: string,
  draws: RandomStream,
): { points: number[]; kinds: number } {
  const rows: number[][] = [];
  let before = "";
  for (const [index, call] of calls.entries()) {
    const kind = kindOf(call, folder);
    if (kind === before) rows.at(-1)?.push(index + 1);
    else rows.push([index + 1]);
    before = kind;
  }
  const candidates = all
    ? rows.flat()
    : rows.flatMap((row) => {
        const between = row.slice(1, -1);
        const drawn = between.length > 0 ? [between[draws.integer(0, between.length - 1)] as number] : [];
        return [row[0] as number, ...drawn, ...(row.length > 1 ? [row.at(-1) as number] : [])];
      });
  const shuffled = shuffle(candidates, draws);
  const firsts = new Map<string, number>();
  for (const at of shuffled) {
    const kind = kindOf(calls[at - 1] as Call, folder);
    if (!firsts.has(kind)) firsts.set(kind, at);
  }
  const first = new Set(firsts.values());
  return { points: [...first, ...shuffled.filter((at) => !first.has(at))], kinds: first.size };
}

export function shuffle<T>(values: readonly T[], draws: RandomStream): T[] {
  const shuffled = [...values];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = draws.integer(0, i);
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}

/** Goes through values in order: the first `least` in any case, then as far as the seconds last, all where all are asked for. */
export function* within<T>(seconds: number, values: readonly T[], least: number): Generator<T> {
  const started = performance.now();
  for (const [index, value] of values.entries()) {
    if (!all && index >= least && performance.now() - started > seconds * 1000) return;
    yield value;
  }
}
