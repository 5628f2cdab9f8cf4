import { type FlopsInput, type FlopsOptions, resolveOptions, verbs } from "../config/index.ts";
import type { Graph } from "../engine/graph/graph.ts";
import type { ParameterSpec } from "../engine/parameters/specs.ts";
import type { Feeds } from "../engine/runtime/program.ts";
import { Normalizer } from "../images/transforms/normalize.ts";
import { classifierKind } from "../method/kinds/classifier.ts";
import type { NetworkKind } from "../method/kinds/network.ts";
import { networkKindOf } from "../method/kinds/networks.ts";
import { modelShape } from "../method/kinds/shape.ts";
import { attentionCounts } from "../method/masking/selection.ts";
import { gatherPositions } from "../method/masking/tokens.ts";
import { classifierGraph, classifierSpecs } from "../method/models/classifier.ts";
import { type ClassifierConfig, patchCount, patchValues } from "../method/models/config.ts";
import { networkGraph } from "../method/models/network.ts";
import { classifierSaving, type FlopConvention, type MaskedSaving } from "../results/efficiency.ts";
import { graphMultiplyAdds } from "../results/graph-multiply-adds.ts";
import type { RunHooks } from "../support/events.ts";
import { RandomStream } from "../support/random.ts";
import { createWeights, startEngine } from "./session.ts";
import { secondsInTurn, secondsOf } from "./timing.ts";

/** What masking saves a classifier: multiply-adds per image, and seconds per batch. */
export interface FlopsFigures extends Record<FlopConvention, MaskedSaving> {
  /** Median seconds per batch; absent where nothing was timed. */
  seconds?: { full: number; masked: number; ratio: number };
  /** Images per timed batch. */
  batchSize: number;
  /** Patches per image: all, and those that masking keeps; absent for a network that sees images whole. The cls token comes on top. */
  patches?: { full: number; masked: number };
}

/**
 * Counts a classifier's multiply-adds with all patches and with those that masking keeps, under both conventions, and
 * times both on the device, with random weights.
 *
 * The counts of a vision transformer are of the published program, which embeds every patch and then drops some; the timed
 * graph embeds the kept ones alone. Of a network that sees images whole, masked is the same as full.
 *
 * @throws MsmaeError Config for an unknown model, sizes that do not fit, or ratios that keep no patch; Device when the
 * engine fails; the signal's reason.
 */
export async function flops(input: FlopsInput | FlopsOptions, hooks: RunHooks = {}): Promise<FlopsFigures> {
  const options = resolveOptions(verbs.flops, input);
  const { batchSize, repeats } = options;
  const network = networkKindOf(options.model);
  if (network) return networkFlops(network, options, hooks);
  const config: ClassifierConfig = { ...modelShape(classifierKind, options), globalPool: "avg" };
  const all = patchCount(config);
  const { kept } = attentionCounts(all, options);
  const figures = { ...classifierSaving(config, { kept }), batchSize, patches: { full: all, masked: kept } };
  if (repeats === 0) return figures;
  const draw = drawing(options);
  const cases: [TimedCase, TimedCase] = [
    {
      graph: classifierGraph(config, { batch: batchSize, kept: "all" }),
      feeds: { patches: draw(all * batchSize * patchValues(config)) },
    },
    {
      graph: classifierGraph(config, { batch: batchSize, kept }),
      feeds: {
        patches: draw(kept * batchSize * patchValues(config)),
        positions: somePositions({ all, kept }, options),
      },
    },
  ];
  const [full, masked] = (await timeInTurn(classifierSpecs(config), cases, options, hooks)) as [number, number];
  return { ...figures, seconds: { full, masked, ratio: masked / full } };
}

async function networkFlops(kind: NetworkKind, options: FlopsOptions, hooks: RunHooks): Promise<FlopsFigures> {
  const { batchSize, repeats } = options;
  const config = modelShape(kind, options);
  // Of two images: a batch normalisation is not trained on a single value. In this form each of them is one node.
  const counted = networkGraph(kind.network, config, 2, "training");
  const saving = (convention: FlopConvention): MaskedSaving => {
    const full = graphMultiplyAdds(counted, convention) / 2;
    return { full, masked: full, ratio: 1 };
  };
  const figures = { thop: saving("thop"), fvcore: saving("fvcore"), batchSize };
  if (repeats === 0) return figures;
  const graph = networkGraph(kind.network, config, batchSize);
  const pixels = Uint8Array.from(drawing(options)(batchSize * config.inputHeight * config.inputWidth * config.inChans));
  const feeds = kind.feeder(config, new Normalizer(config.inChans as 1 | 3)).whole(pixels, batchSize);
  const [full] = (await timeInTurn(kind.specs(config), [{ graph, feeds }], options, hooks)) as [number];
  return { ...figures, seconds: { full, masked: full, ratio: 1 } };
}

/** A graph and what it is fed. */
interface TimedCase {
  graph: Graph;
  feeds: Feeds;
}

/** Draws normal numbers. */
function drawing({ seed }: Pick<FlopsOptions, "seed">): (length: number) => Float32Array {
  const stream = RandomStream.for(seed, "evaluation");
  return (length) => Float32Array.from({ length }, () => stream.normal());
}

/** Places of kept patches, others in each image. */
function somePositions({ all, kept }: { all: number; kept: number }, { batchSize: batch, seed }: FlopsOptions) {
  const stream = RandomStream.for(seed, "masks");
  const positions = new BigInt64Array(kept * batch);
  for (let b = 0; b < batch; b++) {
    gatherPositions(stream.permutation(all).subarray(0, kept), positions, { batch, b });
  }
  return positions;
}

/** Median seconds of each case, with drawn weights. */
async function timeInTurn(
  specs: readonly ParameterSpec[],
  cases: readonly TimedCase[],
  options: FlopsOptions,
  hooks: RunHooks,
): Promise<number[]> {
  const engine = await startEngine(createWeights(specs, options.seed), options);
  try {
    for (const { graph } of cases) await engine.load(graph);
    const runs = cases.map(({ graph, feeds }) => () => {
      // They move to the engine.
      const fed = structuredClone(feeds);
      return secondsOf(() => engine.run(graph.name, fed));
    });
    return await secondsInTurn(runs, options.repeats, hooks);
  } finally {
    await engine.close();
  }
}
