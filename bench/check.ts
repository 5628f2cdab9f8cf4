import { interpret } from "../src/engine/graph/interpreter.ts";
import { storeOutputKey, storeOutputName } from "../src/engine/graph/output-names.ts";
import type { NdArray } from "../src/engine/graph/types.ts";
import type { ParameterStore } from "../src/engine/parameters/parameter-store.ts";
import { floatsOf } from "../src/engine/runtime/program.ts";
import { openEngine } from "../src/engine/thread/node-engine.ts";
import { inPrecision } from "../src/method/models/precision.ts";
import { adamwReference } from "../test/support/adamw-reference.ts";
import { isNoise, kernelOf } from "../test/support/normalised-bias.ts";
import { quantizedFeeds } from "../test/support/quantized-reference.ts";
import { afterAdamW, gradients, outputs, type Tolerance } from "../test/tolerances.ts";
import type { Job } from "./contestant.ts";
import { createParameters } from "./weights.ts";
import { type ModelConfig, type Workload, workload } from "./workload.ts";

/** The largest difference of one kind of result, relative to the largest element of its tensor. */
export interface CheckedQuantity {
  quantity: "outputs" | "gradients" | "states" | "parameters";
  tensors: number;
  maxError: number;
  tolerance: number;
}

/** A model of every part that the large ones have, small enough for the interpreter. */
export const smallConfig: ModelConfig = {
  inputHeight: 32,
  inputWidth: 48,
  patchSize: 8,
  inChans: 3,
  embedDim: 16,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 4,
  globalPool: "avg",
  decoderEmbedDim: 12,
  decoderDepth: 2,
  decoderNumHeads: 3,
  headWidth: 12,
  networks: {
    resnet: { width: 4, depths: [1, 1] },
    swin: { patchSize: 4, embedDim: 8, depths: [2, 2], numHeads: [2, 4], windowSize: 3, mlpRatio: 2 },
  },
};
export const smallBatch = 3;

/** Sums in float16 are the device's own: how much less exact its products may be than those in float32. */
const halfOverFloat = 500;

/** Large enough that a step moves parameters by far more than the tolerance. */
const learningRate = 0.05;

/**
 * Runs a phase of a small model through the engine and compares every output, every gradient element and every
 * parameter after one AdamW step with float64 references.
 */
export async function checkSmallCase({
  phase,
  threads,
  precision = "fp32",
  recompute,
  device = "cpu",
}: Pick<Job, "phase" | "threads" | "precision" | "recompute" | "device">): Promise<CheckedQuantity[]> {
  const planned = workload(phase, smallConfig, smallBatch, { recompute });
  const store = createParameters(planned, precision);
  const work = { ...planned, graph: inPrecision(planned.graph, precision, store) };
  const before = parametersOf(store);
  const expected = interpret(work.graph, {
    ...Object.fromEntries(before),
    ...quantizedFeeds(store, store.quantizedNames),
    ...work.feeds(0),
  });
  // Where gradients are exchanged they come to the store from a device as well, and can be compared.
  const exchanges = device !== "cpu" && work.optimizer !== undefined;
  const engine = await openEngine({ threads, store, optimizer: work.optimizer, provider: device, exchanges });
  const rounding = precision === "fp16" ? halfOverFloat : 1;
  try {
    await engine.load(work.graph);
    const { name } = work.graph;
    if (!work.optimizer) return [compareOutputs(floatsOf(await engine.run(name, work.feeds(0))), expected, rounding)];
    const result = await engine.train(name, work.feeds(0), { kind: "step", lr: learningRate, stepIndex: 1 });
    return [
      compareOutputs(floatsOf(result.outputs), expected, rounding),
      compareGradients(store, expected, rounding),
      ...compareStates(store, expected),
      compareStep(work, store, before),
    ];
  } finally {
    await engine.close();
  }
}

/** Whether a small case agrees with its references. What does not is told, since nothing is timed then. */
export function holds(what: string, check: readonly CheckedQuantity[]): boolean {
  if (passed(check)) return true;
  console.error(`the small case of ${what} is outside its tolerance: ${JSON.stringify(check)}`);
  return false;
}

export const passed = (quantities: readonly CheckedQuantity[]): boolean =>
  quantities.every(({ maxError, tolerance }) => maxError <= tolerance);

/**
 * Largest difference relative to the largest element of `measure`, which is the expected one unless told otherwise; NaN
 * and a wrong length count as infinite.
 */
export function relativeError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  measure: ArrayLike<number> = expected,
): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < measure.length; i++) largest = Math.max(largest, Math.abs(measure[i] as number));
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    const here = Math.abs((actual[i] as number) - (expected[i] as number));
    difference = Number.isNaN(here) ? Number.POSITIVE_INFINITY : Math.max(difference, here);
  }
  return largest === 0 ? difference : difference / largest;
}

function compareOutputs(
  actual: Record<string, Float32Array>,
  expected: Map<string, NdArray>,
  rounding: number,
): CheckedQuantity {
  const kept = (name: string) => storeOutputKey("gradient", name) ?? storeOutputKey("state", name);
  const names = [...expected.keys()].filter((name) => kept(name) === undefined);
  const none = new Float32Array(0);
  const errors = names.map((name) => relativeError(actual[name] ?? none, (expected.get(name) as NdArray).data));
  return summary("outputs", errors, outputs.float64.cpu, rounding);
}

function compareGradients(store: ParameterStore, expected: Map<string, NdArray>, rounding: number): CheckedQuantity {
  const errors = [...expected].flatMap(([name, { data }]) => {
    const key = storeOutputKey("gradient", name);
    return key === undefined ? [] : [relativeError(store.gradient(key), data, measureOf(name, expected))];
  });
  return summary("gradients", errors, gradients.float64.cpu, rounding);
}

/** What an output's difference is measured by, where that is another output than itself. */
export function measureOf(name: string, all: ReadonlyMap<string, NdArray>): NdArray["data"] | undefined {
  const key = storeOutputKey("gradient", name);
  return key !== undefined && isNoise(key) ? all.get(storeOutputName("gradient", kernelOf(key)))?.data : undefined;
}

/** Running statistics after the step, of a model that has them. */
function compareStates(store: ParameterStore, expected: Map<string, NdArray>): CheckedQuantity[] {
  const errors = [...expected].flatMap(([name, { data }]) => {
    const key = storeOutputKey("state", name);
    return key === undefined ? [] : [relativeError(store.parameter(key), data)];
  });
  return errors.length === 0 ? [] : [summary("states", errors, outputs.float64.cpu)];
}

/** The optimiser by itself: its own gradients, which are compared above, go into the reference. */
function compareStep(
  { optimizer }: Workload,
  store: ParameterStore,
  before: Map<string, Float64Array>,
): CheckedQuantity {
  const { groups = new Map(), beta1 = 0, beta2 = 0, eps = 0 } = optimizer ?? {};
  const errors = [...groups].map(([name, { lrScale, weightDecay, l2 = 0 }]) => {
    const parameter = Float64Array.from(before.get(name) as Float64Array);
    const gradient = Float64Array.from(store.gradient(name));
    const moments = {
      firstMoment: new Float64Array(parameter.length),
      secondMoment: new Float64Array(parameter.length),
    };
    const settings = { lr: learningRate * lrScale, weightDecay, l2, beta1, beta2, eps, stepIndex: 1 };
    adamwReference({ parameter, gradient, ...moments }, settings);
    return relativeError(store.parameter(name), parameter);
  });
  return summary("parameters", errors, afterAdamW.float64.cpu);
}

function summary(
  quantity: CheckedQuantity["quantity"],
  errors: number[],
  { relative }: Tolerance,
  rounding = 1,
): CheckedQuantity {
  // Nothing compared is nothing checked.
  const maxError = errors.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...errors);
  return { quantity, tensors: errors.length, maxError, tolerance: relative * rounding };
}

function parametersOf(store: ParameterStore): Map<string, Float64Array> {
  return new Map(store.names.map((name) => [name, Float64Array.from(store.parameter(name))]));
}
