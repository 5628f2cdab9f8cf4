import { setTimeout } from "node:timers/promises";
import type { Contestant, Step } from "./contestant.ts";

export interface Rounds {
  /** Timed steps of each contestant, after `warmup` untimed ones. */
  repeats: number;
  warmup: number;
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
