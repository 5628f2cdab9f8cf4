import { setTimeout as sleep } from "node:timers/promises";
import type { Arena, ParameterStore } from "../engine/parameters/parameter-store.ts";
import { joinRanks } from "../parallel/join-ranks.ts";
import { refuseUnshared } from "../parallel/launch.ts";
import { type Ranks, ToldByFirst } from "../parallel/ranks.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";

/** How long, in ms, processes that were told to stop are waited for before people hear of it. */
const PATIENCE_MS = 500;

/** How long, in ms, the first process has to tell of what all of them met. */
const FAREWELL_MS = 2_000;

/** What training changes in every process alike. */
const arenas: readonly Arena[] = ["parameter", "firstMoment", "secondMoment", "ema"];

/**
 * Joins the processes that were started together, works with them, and parts from them.
 *
 * @throws MsmaeError Config for a verb that they cannot share; Device where they do not reach each other.
 */
export async function withRanks<T>(verb: string, work: (ranks: Ranks) => Promise<T>): Promise<T> {
  refuseUnshared(verb);
  const ranks = await joinRanks();
  try {
    const result = await work(ranks);
    await ranks.leave();
    return result;
  } catch (error) {
    // A stop is one of all processes; whoever fails alone must not be waited for by the others.
    if (error instanceof MsmaeError && error.code === "Interrupted") await ranks.leave();
    else ranks.abandon();
    // The launcher ends all processes when one ends in failure: first the one that tells why.
    if (error instanceof ToldByFirst) await sleep(FAREWELL_MS);
    throw error;
  }
}

/** What people hear: all of it from the first process, warnings alone from the others. */
export function hooksOf(ranks: Ranks, hooks: RunHooks): RunHooks {
  if (ranks.size === 1) return hooks;
  const { signal, onEvent } = hooks;
  signal?.addEventListener("abort", () => {
    const say = () => {
      if (!ranks.waiting) return;
      const message = "the other processes do not answer: one of them has probably ended; go on with --resume";
      onEvent?.({ type: "warning", message });
    };
    setTimeout(say, PATIENCE_MS).unref();
  });
  if (ranks.rank === 0) return hooks;
  return {
    ...(signal && { signal }),
    onEvent(event) {
      if (event.type === "warning") onEvent?.(event);
    },
  };
}

/** @throws MsmaeError Data where a process sees other data than the first. */
export async function checkSameData(ranks: Ranks, own: string, firsts: string): Promise<void> {
  const same = await ranks.gather(own === firsts);
  if (same[ranks.rank] === true) return;
  throw new MsmaeError("Data", {
    where: `rank ${ranks.rank}`,
    expected: "the data set of rank 0",
    got: "other images, labels or splits under the same path",
    todo: "give every machine the same data",
  });
}

/** Gives every process the weights and the optimiser's state of the first. */
export async function shareStore(ranks: Ranks, store: ParameterStore): Promise<void> {
  if (ranks.size === 1) return;
  for (const arena of arenas.filter((name) => store.keeps(name))) await ranks.share(store.flat(arena));
  const frozen = store.names.filter((name) => store.roleOf(name) !== "trainable");
  await ranks.share(frozen.map((name) => store.parameter(name)));
}
