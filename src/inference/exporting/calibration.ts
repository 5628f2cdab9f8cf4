import type { ExportOptions } from "../../config/index.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import { productByWeight } from "../../engine/graph/products.ts";
import type { Value } from "../../engine/graph/types.ts";
import type { Levels } from "../../engine/onnx/product-forms.ts";
import { ImageFeeds } from "../../method/image-feeds.ts";
import type { RunHooks } from "../../support/events.ts";
import { RandomStream } from "../../support/random.ts";
import { roundHalfEven } from "../../support/round-half-even.ts";
import { assessModel } from "../assess-model.ts";
import { openEvaluationData } from "../evaluation-data.ts";
import { forwardOf, normalizerOf } from "../session.ts";
import { type Draft, written } from "./draft.ts";
import { ExportedRunner } from "./exported-runner.ts";

/** The smallest and the largest of some values. */
interface Range {
  least: number;
  most: number;
}

/** Graphs' outputs of what linear layers read begin with this. */
const READ = "read/";

/**
 * Which levels what linear layers read is rounded to, by the weights' names, from what some training images give there.
 *
 * @throws MsmaeError Data when the data set cannot be opened, or none of the images read; Device; the signal's reason.
 */
export async function calibrated(
  draft: Draft,
  options: ExportOptions & { calibrationPath: string },
  hooks: RunHooks,
): Promise<Map<string, Levels>> {
  const { calibrationPath, calibrationImages, calibrationLevels, seed, workers, strict, threads } = options;
  const { kind, description } = draft.model;
  const { config } = description;
  const reading = { ...options, dataPath: calibrationPath, split: "train" } as const;
  const data = await openEvaluationData(reading, description, hooks, { oneClass: true });
  const { train } = data.splits;
  const drawn = RandomStream.for(seed, "calibration").permutation(train.length).subarray(0, calibrationImages);
  const samples = Array.from(drawn, (i) => train[i] as (typeof train)[number]);
  await using engine = await ExportedRunner.open(written(draft, { further: whatIsRead }).bytes, config, threads);
  const outcome = { target: { kind: "class" }, gather: rangeGatherer } as const;
  const { result } = await assessModel(
    { engine, feeds: new ImageFeeds(config, normalizerOf(description)), kind, description },
    outcome,
    samples,
    {
      // An image at a time: batches are filled up with images that nobody has.
      ...{ batchSize: 1, workers, strict, dataPath: calibrationPath, split: "train", name: "calibration" },
      forward: () => forwardOf(kind, config, { batchSize: 1 }),
    },
    hooks,
  );
  return new Map([...result.ranges].map(([key, range]) => [key, levelsOf(range, calibrationLevels)]));
}

/** Adds what each linear layer reads, by its weight's name. */
function whatIsRead(graphs: readonly Graph[]): Graph {
  const read = new Map<string, Value>();
  for (const node of graphs.flatMap(({ nodes }) => nodes)) {
    const product = productByWeight(node);
    if (product?.transB) read.set(`${READ}${product.key}`, node.inputs[0] as Value);
  }
  return graph("read", read);
}

/** 256 levels that have 0 among them, so that nothing is added to a sum by what is 0. */
export function levelsOf({ least, most }: Range, how: "asymmetric" | "symmetric"): Levels {
  if (how === "symmetric") {
    const largest = Math.max(-least, most);
    return { step: Math.fround(largest / 127) || 1, zero: 128 };
  }
  const [low, high] = [Math.min(least, 0), Math.max(most, 0)];
  const step = Math.fround((high - low) / 255) || 1;
  return { step, zero: roundHalfEven((0 - low) / step) };
}

/** The ranges of what is read, over all images. */
function rangeGatherer() {
  const ranges = new Map<string, Range>();
  const paths: string[] = [];
  return {
    add(
      batch: { paths: readonly string[] },
      told: readonly { values: Readonly<Record<string, Float32Array>> }[],
    ): void {
      paths.push(...batch.paths);
      for (const [name, values] of told.flatMap(({ values }) => Object.entries(values))) {
        if (!name.startsWith(READ)) continue;
        const key = name.slice(READ.length);
        const { least, most } = ranges.get(key) ?? { least: 0, most: 0 };
        ranges.set(key, {
          least: values.reduce((a, b) => Math.min(a, b), least),
          most: values.reduce((a, b) => Math.max(a, b), most),
        });
      }
    },
    finish: () => ({ ranges, indices: Uint32Array.from(paths.keys()), paths }),
  };
}
