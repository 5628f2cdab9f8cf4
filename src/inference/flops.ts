import { type FlopsInput, type FlopsOptions, resolveOptions, verbs } from "../config/index.ts";
import type { Graph } from "../engine/graph/graph.ts";
import type { Feeds } from "../engine/runtime/program.ts";
import type { Engine } from "../engine/thread/engine.ts";
import { classifierKind } from "../method/kinds/classifier.ts";
import { modelShape } from "../method/kinds/shape.ts";
import { attentionCounts } from "../method/masking/selection.ts";
import { gatherPositions } from "../method/masking/tokens.ts";
import { classifierGraph, classifierSpecs } from "../method/models/classifier.ts";
import { type ClassifierConfig, patchCount, patchValues } from "../method/models/config.ts";
import { classifierSaving, type FlopConvention, type MaskedSaving } from "../results/efficiency.ts";
import type { RunHooks } from "../support/events.ts";
import { RandomStream } from "../support/random.ts";
import { createWeights, startEngine } from "./session.ts";

/** What masking saves a classifier: multiply-adds per image, and seconds per batch. */
export interface FlopsFigures extends Record<FlopConvention, MaskedSaving> {
  /** Median seconds per batch; absent where nothing was timed. */
  seconds?: { full: number; masked: number; ratio: number };
  /** Images per timed batch. */
  batchSize: number;
  /** Patches per image: all, and those that masking keeps. The cls token comes on top. */
  patches: { full: number; masked: number };
}

/**
 * Counts a classifier's multiply-adds with all patches and with those that masking keeps, under both conventions, and
 * times both on the device, with random weights.
 *
 * The counts are of the published program, which embeds every patch and then drops some; the timed graph embeds the
 * kept ones alone.
 *
 * @throws MsmaeError Config for an unknown model, sizes that do not fit, or ratios that keep no patch; Device when the
 * engine fails; the signal's reason.
 */
export async function flops(input: FlopsInput | FlopsOptions, hooks: RunHooks = {}): Promise<FlopsFigures> {
  const options = resolveOptions(verbs.flops, input);
  const config: ClassifierConfig = { ...modelShape(classifierKind, options), globalPool: "avg" };
  const all = patchCount(config);
  const { kept } = attentionCounts(all, options);
  const figures = {
    ...classifierSaving(config, { kept }),
    batchSize: options.batchSize,
    patches: { full: all, masked: kept },
  };
  if (options.repeats === 0) return figures;
  const { full, masked } = await timeBoth(config, kept, options, hooks);
  return { ...figures, seconds: { full, masked, ratio: masked / full } };
}

async function timeBoth(
  config: ClassifierConfig,
  kept: number,
  options: FlopsOptions,
  { signal, onEvent }: RunHooks,
): Promise<{ full: number; masked: number }> {
  const { batchSize: batch, repeats, seed } = options;
  const engine = await startEngine(createWeights(classifierSpecs(config), seed), options);
  try {
    const full = classifierGraph(config, { batch, kept: "all" });
    const masked = classifierGraph(config, { batch, kept });
    await engine.load(full);
    await engine.load(masked);
    const stream = RandomStream.for(seed, "evaluation");
    const pixels = (patches: number) =>
      Float32Array.from({ length: patches * batch * patchValues(config) }, () => stream.normal());
    const fullPixels = pixels(patchCount(config));
    const maskedPixels = pixels(kept);
    const positions = new BigInt64Array(kept * batch);
    for (let b = 0; b < batch; b++) {
      gatherPositions(stream.permutation(patchCount(config)).subarray(0, kept), positions, { batch, b });
    }
    const seconds = { full: [] as number[], masked: [] as number[] };
    onEvent?.({ type: "phase", name: "timing", total: repeats });
    // The first run of each is not counted: it still allocates. Runs alternate, so that a busy machine slows both.
    for (let repeat = 0; repeat <= repeats; repeat++) {
      signal?.throwIfAborted();
      const fullSeconds = await timed(engine, full, { patches: fullPixels.slice() });
      const maskedSeconds = await timed(engine, masked, {
        patches: maskedPixels.slice(),
        positions: positions.slice(),
      });
      if (repeat === 0) continue;
      seconds.full.push(fullSeconds);
      seconds.masked.push(maskedSeconds);
      onEvent?.({ type: "phase-progress", done: repeat });
    }
    return { full: median(seconds.full), masked: median(seconds.masked) };
  } finally {
    await engine.close();
  }
}

async function timed(engine: Engine, { name }: Graph, feeds: Feeds): Promise<number> {
  const started = performance.now();
  await engine.run(name, feeds);
  return (performance.now() - started) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
}
