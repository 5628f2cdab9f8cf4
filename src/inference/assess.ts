import type { Sample } from "../data/dataset.ts";
import { ImageLoader, type LoaderOptions } from "../data/loader/loader.ts";
import type { Feeder } from "../method/kinds/kind.ts";
import type { Ranks } from "../parallel/ranks.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import type { Gathered, Gatherer, Outcome, TruthBatch } from "./outcomes/outcome.ts";
import type { GraphRunner } from "./run-batches.ts";
import { type ImageRun, runImages } from "./run-images.ts";
import type { Forward } from "./session.ts";

/** How samples are read that {@link assess} looks at, in the sizes of the model's input. */
export interface SampleReading {
  loading: Omit<LoaderOptions, "cacheMb" | "onWarning" | "target">;
  outcome: Pick<Outcome<Gathered, object, never>, "target">;
  hooks: RunHooks;
  /** MiB for decoded images, where the samples are looked at more than once. */
  cacheMb?: number;
}

/** Opens samples for {@link assess}, with what their targets are made from. @throws MsmaeError Config or Data, as the loader does. */
export function openSamples(
  samples: readonly Sample[],
  { loading, outcome, hooks, cacheMb = 0 }: SampleReading,
): ImageLoader {
  const onWarning = (message: string) => hooks.onEvent?.({ type: "warning", message });
  return new ImageLoader(samples, { ...loading, target: outcome.target, cacheMb, onWarning });
}

/** A model at work, over samples whose targets are the model's. */
export interface AssessInput<R extends Gathered> {
  engine: GraphRunner;
  feeds: Feeder;
  /** The forward pass over `batchSize` whole images. */
  forward: Forward;
  /** Images per run; a smaller last batch is filled up. */
  batchSize: number;
  /** Of the samples, as {@link openSamples} gives it; whoever opened it closes it. */
  loader: ImageLoader;
  outcome: Pick<Outcome<R, object, never>, "originals" | "windowOverlap">;
  gatherer: Gatherer<R>;
  /** What the phase is called. */
  name: string;
  /** What the samples are, for errors. */
  split: string;
  dataPath: string;
  hooks: RunHooks;
  /** Processes that assess the same model on the same samples, and share out its runs. */
  ranks?: Ranks;
}

/**
 * Runs a model over samples in their order, images whole and nothing masked, and gathers what it says. The graph is
 * unloaded after.
 *
 * @returns the result, and the paths of images that could not be read and count nowhere.
 * @throws MsmaeError Data when no image can be read, or one cannot under `strict`; Device; the signal's reason.
 * Source: method.md section 5, evaluation.
 */
export async function assess<R extends Gathered>(input: AssessInput<R>): Promise<{ result: R; unreadable: string[] }> {
  const { engine, feeds, batchSize, loader, outcome, gatherer, name, split, dataPath, hooks } = input;
  const { samples } = loader;
  const { originals = false, windowOverlap } = outcome;
  const { signal, onEvent } = hooks;
  const { graph, rest } = input.forward;
  onEvent?.({ type: "phase", name, total: samples.length });
  const reading = { batchSize: Math.min(batchSize, samples.length), originals, ...(signal && { signal }) };
  const batches = loader.inOrder(reading);
  const size = { height: loader.options.inputHeight, width: loader.options.inputWidth };
  const onProgress = (done: number) => onEvent?.({ type: "phase-progress", done });
  let done: number;
  try {
    done = await gather({
      ...{ engine, graph, rest, feeds, batches, batchSize, size, windowOverlap, signal, gatherer, onProgress },
      ranks: input.ranks,
    });
  } finally {
    await engine.unload(graph.name);
    if (rest) await engine.unload(rest.graph.name);
  }
  // Unreadable images count nowhere else, but the phase is over.
  if (done < samples.length) onProgress(samples.length);
  if (done > 0) return { result: gatherer.finish(), unreadable: loader.stats().unreadable };
  throw new MsmaeError("Data", {
    where: dataPath,
    expected: `at least one readable image in split "${split}"`,
    got: `none of ${samples.length}`,
    todo: "check the files and their permissions",
  });
}

/** Runs a graph over batches and gives what comes to the gatherer. @returns how many images there were. */
export async function gather(
  run: ImageRun<TruthBatch> & {
    gatherer: Pick<Gatherer<Gathered>, "add">;
    /** Hears how many images are done, after each batch. */
    onProgress?: (done: number) => void;
  },
): Promise<number> {
  let done = 0;
  for await (const { batch, told } of runImages(run)) {
    run.gatherer.add(batch, told);
    done += batch.indices.length;
    run.onProgress?.(done);
  }
  return done;
}
