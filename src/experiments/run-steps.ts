import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { FolderLock } from "../support/files/folder-lock.ts";
import { readIfThere } from "../support/files/read-if-there.ts";
import type { Step } from "./steps.ts";

/** Stands in a step's folder once the step is done, with what it took. */
const DONE = "done.json";
/** How long to wait before looking again, where other processes have all that could be done, in ms. */
const LOOK_AGAIN_MS = 2_000;

/** What became of the steps. */
export interface StepsDone {
  /** Names, in the order of the steps. */
  done: string[];
  /** Those for which there was no time. */
  left: string[];
}

/**
 * Does all steps, each after those it needs, and none that is done already. Any number of processes may do so at once: each
 * takes a step that no other has, and a step whose process died is taken over where its last checkpoint stands.
 *
 * @param budgetHours after this the step in hand is stopped where it can go on later, and no other is begun.
 * @throws MsmaeError as a step does, by its name; Interrupted when `hooks.signal` stops it.
 */
export async function runSteps(
  root: string,
  steps: readonly Step[],
  budgetHours: number | undefined,
  hooks: RunHooks,
): Promise<StepsDone> {
  const budget = budgetHours === undefined ? undefined : AbortSignal.timeout(budgetHours * 3_600_000);
  const signal = AbortSignal.any([hooks.signal, budget].filter((one) => one !== undefined));
  const own = { ...hooks, signal };
  for (;;) {
    const seconds = await secondsOf(root, steps);
    const pending = steps.filter(({ name }) => !seconds.has(name));
    const told = { done: [...seconds.keys()], left: pending.map(({ name }) => name) };
    if (pending.length === 0 || budget?.aborted) return told;
    hooks.signal?.throwIfAborted();
    const ready = pending.filter(({ after }) => after.every((name) => seconds.has(name)));
    const tell = (step: Step): void => {
      const place = `${steps.length - pending.length + 1} of ${steps.length}`;
      hooks.onEvent?.({ type: "note", message: `${place}: ${step.name}${remaining(steps, seconds)}` });
    };
    try {
      if (!(await oneOf(root, ready, tell, own))) await sleep(LOOK_AGAIN_MS, undefined, { signal });
    } catch (error) {
      // Out of time, and not stopped by anybody.
      if (!budget?.aborted || hooks.signal?.aborted) throw error;
    }
  }
}

/** Does the first of the steps that no other process has. @returns whether there was one. */
async function oneOf(
  root: string,
  steps: readonly Step[],
  tell: (step: Step) => void,
  hooks: RunHooks & { signal: AbortSignal },
): Promise<boolean> {
  for (const step of steps) {
    const folder = join(root, step.folder);
    await mkdir(folder, { recursive: true });
    await using lock = await FolderLock.tryAcquire(folder, { verb: "reproduce" });
    if (!lock) continue;
    // Another process may have done it since it was looked for.
    if ((await doneIn(folder)) !== undefined) return true;
    tell(step);
    const started = performance.now();
    try {
      await step.run(hooks);
    } catch (error) {
      throw hooks.signal.aborted ? error : named(step, error);
    }
    await lock.check();
    const seconds = (performance.now() - started) / 1000;
    await writeFileAtomic(join(folder, DONE), `${JSON.stringify({ step: step.name, seconds })}\n`);
    return true;
  }
  return false;
}

function named({ name }: Step, error: unknown): unknown {
  if (!(error instanceof MsmaeError)) return error;
  const { where, ...parts } = error.parts;
  return new MsmaeError(error.code, { ...parts, where: `${name}: ${where}` }, { cause: error });
}

/** Seconds of the steps that are done, by name in their order. */
async function secondsOf(root: string, steps: readonly Step[]): Promise<Map<string, number>> {
  const found = await Promise.all(steps.map(({ folder }) => doneIn(join(root, folder))));
  return new Map(steps.flatMap(({ name }, at) => (found[at] === undefined ? [] : [[name, found[at]]])));
}

/** How long a step took; undefined where it is not done. */
async function doneIn(folder: string): Promise<number | undefined> {
  const text = await readIfThere(join(folder, DONE));
  return text === undefined ? undefined : (JSON.parse(text) as { seconds: number }).seconds;
}

/** What is left, by the time that steps of the same kind took. */
function remaining(steps: readonly Step[], seconds: ReadonlyMap<string, number>): string {
  const kindOf = (name: string): string => name.replace(/, seed \d+$/, "");
  const byKind = Map.groupBy(seconds, ([name]) => kindOf(name));
  let left = 0;
  for (const { name } of steps) {
    if (seconds.has(name)) continue;
    const alike = byKind.get(kindOf(name));
    // Nothing is known of the first of a kind, and nothing is said.
    if (!alike) return "";
    left += alike.reduce((sum, [, took]) => sum + took, 0) / alike.length;
  }
  return ` (about ${Math.ceil(left / 60)} min left)`;
}
