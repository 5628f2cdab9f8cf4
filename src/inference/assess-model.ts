import type { EvalOptions } from "../config/index.ts";
import type { Sample } from "../data/dataset.ts";
import type { ModelDescription } from "../interop/model-file.ts";
import type { RunHooks } from "../support/events.ts";
import { assess, openSamples } from "./assess.ts";
import type { Gathered, Outcome } from "./outcomes/outcome.ts";
import type { GraphRunner } from "./run-batches.ts";
import { type Forward, forwardOf, type ModelSession, readingOf } from "./session.ts";

/** How to read and run the images of a split. */
export type AssessOptions = Pick<EvalOptions, "workers" | "strict" | "batchSize" | "dataPath" | "split"> &
  Partial<Pick<EvalOptions, "window" | "sliceAxis" | "alpha" | "keepRatio">> & {
    /** What the phase is called: "evaluation" unless told otherwise. */
    name?: string;
    /** What is run over batches of a size: the kind's own forward pass unless told otherwise. */
    forward?: (batchSize: number) => Forward;
  };

/**
 * What a model says of samples whose targets are the model's, reporting a phase.
 *
 * @throws MsmaeError Data when no image can be read, or one cannot under `strict`; Device; the signal's reason.
 */
export async function assessModel<R extends Gathered, M extends object, D extends ModelDescription>(
  {
    engine,
    feeds,
    kind,
    description,
  }: Pick<ModelSession<D>, "feeds" | "kind" | "description"> & { engine: GraphRunner },
  outcome: Pick<Outcome<R, M, D>, "target" | "originals" | "windowOverlap" | "gather">,
  samples: readonly Sample[],
  options: AssessOptions,
  hooks: RunHooks,
): Promise<{ result: R; unreadable: string[] }> {
  const { config } = description;
  const { workers, strict, dataPath, split, name = "evaluation" } = options;
  const batchSize = Math.min(options.batchSize, samples.length);
  const { inputHeight, inputWidth, inChans } = config;
  const reading = readingOf(description, options);
  const loading = { inputHeight, inputWidth, channels: inChans as 1 | 3, workers, strict, reading };
  await using loader = openSamples(samples, { loading, outcome, hooks });
  return await assess({
    engine,
    feeds,
    forward: options.forward?.(batchSize) ?? forwardOf(kind, config, { batchSize, keepRatio: options.keepRatio }),
    batchSize,
    loader,
    outcome,
    gatherer: outcome.gather(description),
    name,
    split,
    dataPath,
    hooks,
  });
}
