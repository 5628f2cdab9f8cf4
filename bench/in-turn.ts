import { setTimeout } from "node:timers/promises";
import type { Contestant, Skipped, Step } from "./contestant.ts";
import { tooMuch } from "./peak-memory.ts";

export interface Rounds {
  /** Timed steps of each contestant, after `warmup` untimed ones. */
  repeats: number;
  warmup: number;
}

/**
 * Starts one after the other, each with a first step, in which it takes its memory. Whoever is then likely to find too little
 * left, going by the hungriest so far, is left out: one too many would take the others down.
 */
export async function startedInTurn<Name extends string>(
  names: readonly Name[],
  start: (name: Name) => Promise<Contestant | Skipped>,
  availableMemory: () => number = process.availableMemory,
): Promise<Map<Name, Contestant | Skipped>> {
  const started = new Map<Name, Contestant | Skipped>();
  let hungriest = 0;
  for (const name of names) {
    const free = availableMemory();
    if (free < hungriest) {
      started.set(name, { skipped: `${name} needs ${tooMuch(hungriest, free)}` });
      continue;
    }
    const one = await start(name);
    started.set(name, one);
    if ("skipped" in one) continue;
    await one.step();
    hungriest = Math.max(hungriest, free - availableMemory());
  }
  return started;
}

/** Takes steps of all contestants in turn, so that what slows the machine for a while slows them all. */
export async function inTurn<Name>(
  contestants: ReadonlyMap<Name, Contestant>,
  { repeats, warmup }: Rounds,
): Promise<Map<Name, Step[]>> {
  const steps = new Map([...contestants.keys()].map((name): [Name, Step[]] => [name, []]));
  for (let round = -warmup; round < repeats; round++) {
    for (const [name, contestant] of contestants) {
      // Threads of the one before may still be spinning.
      await setTimeout(100);
      const step = await contestant.step();
      if (round >= 0) steps.get(name)?.push(step);
    }
  }
  return steps;
}

/** Time of one contestant's steps over another's, each pair of neighbouring steps. */
export interface Ratios {
  wall: number[];
  /** Of all threads of the process, which other load on the machine disturbs less. */
  processor: number[];
}

/** Ratios of steps that were taken in turn. */
export function ratiosOf(steps: readonly Step[], others: readonly Step[]): Ratios {
  const pairs = steps.map((step, i): [Step, Step] => [step, others[i] as Step]);
  return {
    wall: pairs.map(([step, other]) => step.stepSeconds / other.stepSeconds),
    processor: pairs.map(([step, other]) => step.processorSeconds / other.processorSeconds),
  };
}
