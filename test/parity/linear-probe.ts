import { probeHeadGraph, probeHeadSpecs, probeTrainingGraph } from "../../src/method/models/linear-probe.ts";
import { probeGroups } from "../../src/method/models/parameter-groups.ts";
import { afterLars, outputs } from "../tolerances.ts";
import { CpuEngine, type Engine, Float64Engine } from "./engines.ts";
import type { GoldenFile } from "./goldens.ts";
import type { Comparison } from "./harness.ts";
import { compare, oneHot } from "./model-case.ts";

/** A `linear-probe/*` entry of `index.json`. */
export interface LinearProbeCase {
  lr: number;
  weightDecay: number;
  momentum: number;
  trustCoefficient: number;
}

/** The golden's keys of our tensors. */
const KEYS: Readonly<Record<string, string>> = {
  "head.0.running_mean": "runningMean",
  "head.0.running_var": "runningVar",
  "head.1.weight": "1.weight",
  "head.1.bias": "1.bias",
};

/** Losses of every step, weights and running statistics after those that the golden holds, and evaluation. */
export async function checkLinearProbe(entry: LinearProbeCase, golden: GoldenFile, out: Comparison): Promise<void> {
  const [, batch, features] = golden.shape("input/features") as [number, number, number];
  const [classes] = golden.shape("param/1.weight") as [number];
  const shape = { features, classes, batch };
  const specs = probeHeadSpecs(features, classes);
  for (const engine of [new Float64Engine(specs), new CpuEngine(specs)]) {
    try {
      await run(engine, { entry, golden, out, shape });
    } finally {
      await engine.close();
    }
  }
}

interface Probe {
  entry: LinearProbeCase;
  golden: GoldenFile;
  out: Comparison;
  shape: { features: number; classes: number; batch: number };
}

async function run(engine: Engine, { entry, golden, out, shape }: Probe): Promise<void> {
  const { lr, weightDecay, momentum, trustCoefficient } = entry;
  const specs = probeHeadSpecs(shape.features, shape.classes);
  engine.reset(new Map(specs.map(({ name, shape: [length] }) => [name, start(golden, name, length as number)])));
  const groups = probeGroups(
    specs.filter(({ role }) => role === "trainable"),
    weightDecay,
  );
  const step = engine.lars({ groups, momentum, trustCoefficient });
  const training = probeTrainingGraph(shape);
  const features = golden.rows("input/features");
  const losses: number[] = [];
  for (const [index, labels] of golden.rows("input/targets").entries()) {
    const results = await engine.run(training, {
      features: engine.floats(features[index] as Float64Array),
      classTargets: engine.floats(oneHot(labels, shape.classes)),
    });
    losses.push(Number(results("loss")[0]));
    step(lr, index + 1);
    for (const [name, key] of Object.entries(KEYS)) {
      compare({ golden, out }, `after${index + 1}/${key}`, engine.executor, engine.parameter(name), afterLars);
    }
  }
  compare({ golden, out }, "loss", engine.executor, losses, afterLars);
  // Evaluated on the first batch.
  const logits = await engine.run(probeHeadGraph(shape), { features: engine.floats(features[0] as Float64Array) });
  compare({ golden, out }, "eval/logits", engine.executor, logits("logits"), outputs);
}

/** Running statistics begin at 0 and 1, which the golden does not say again. */
function start(golden: GoldenFile, name: string, length: number): Float64Array {
  const key = `param/${KEYS[name]}`;
  if (golden.has(key)) return golden.values(key);
  return new Float64Array(length).fill(name.endsWith("running_var") ? 1 : 0);
}
