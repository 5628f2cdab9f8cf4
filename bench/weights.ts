import { sizeOf } from "../src/engine/graph/shape.ts";
import { ParameterStore } from "../src/engine/parameters/parameter-store.ts";
import type { ParameterSpec } from "../src/engine/parameters/specs.ts";
import { int8Weights, isInt8, type Precision } from "../src/method/models/precision.ts";
import { RandomStream } from "../src/support/random.ts";
import type { Workload } from "./workload.ts";

/**
 * Parameters of a workload, random in every element and of a size that keeps activations near 1. They come from one
 * table of normal numbers: drawing 86 million of them would take longer than what is timed.
 */
export function createParameters(
  { specs, optimizer }: Workload,
  precision: Precision = "fp32",
  { accumulate = false } = {},
): ParameterStore {
  const trained = optimizer !== undefined;
  const store = ParameterStore.create(specs, {
    gradients: trained,
    moments: trained,
    accumulate,
    quantized: isInt8(precision) ? int8Weights(specs) : undefined,
  });
  const stream = RandomStream.for(0, "initialisation");
  // A prime length, so that rows of a matrix do not repeat.
  const table = Float64Array.from({ length: 65_521 }, () => stream.normal());
  let at = 0;
  for (const spec of specs) {
    const { mean, deviation } = distribution(spec);
    const values = store.parameter(spec.name);
    if (spec.init.kind === "table") {
      values.set(spec.init.data);
      continue;
    }
    for (let i = 0; i < values.length; i++) {
      values[i] = mean + deviation * (table[at] as number);
      at = at + 1 === table.length ? 0 : at + 1;
    }
  }
  return store;
}

function distribution({ shape, init }: ParameterSpec): { mean: number; deviation: number } {
  if (shape.length === 2 || shape.length === 4) {
    return { mean: 0, deviation: Math.sqrt(2 / ((shape[0] as number) + sizeOf(shape.slice(1)))) };
  }
  return { mean: init.kind === "ones" ? 1 : 0, deviation: 0.1 };
}
