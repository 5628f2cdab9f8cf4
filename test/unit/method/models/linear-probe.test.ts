import { describe, expect, test } from "vitest";
import type { Graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { initialize, type ParameterSpec } from "../../../../src/engine/parameters/specs.ts";
import { classifierGraph, classifierSpecs } from "../../../../src/method/models/classifier.ts";
import type { ClassifierConfig } from "../../../../src/method/models/config.ts";
import {
  featuresGraph,
  foldedHead,
  linearProbeGraph,
  linearProbeSpecs,
  probeHeadGraph,
} from "../../../../src/method/models/linear-probe.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const config = (globalPool: "avg" | "cls"): ClassifierConfig => ({
  inputHeight: 8,
  inputWidth: 12,
  patchSize: 4,
  inChans: 1,
  embedDim: 8,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 3,
  globalPool,
});
const batch = 2;

/** Values as they are in use: nothing is at its start, variances are positive. */
function drawn(specs: readonly ParameterSpec[]): Map<string, Float32Array> {
  const stream = RandomStream.for(1, "initialisation");
  return new Map(
    specs.map((spec) => {
      const data = new Float32Array(spec.shape.reduce((product, size) => product * size, 1));
      initialize(spec, 1, data);
      const shift = () => 0.3 * stream.normal();
      const moved = spec.name.endsWith("running_var")
        ? data.map((v) => v + 2 * shift() ** 2)
        : data.map((v) => v + shift());
      return [spec.name, moved];
    }),
  );
}

const images = Float64Array.from({ length: 6 * batch * 16 }, (_, i) => Math.sin(1.7 * i));

function run(graph: Graph, tensors: ReadonlyMap<string, Float32Array>, feeds: Record<string, Float64Array>) {
  const values = Object.fromEntries([...tensors].map(([name, data]) => [name, Float64Array.from(data)]));
  return interpret(graph, { ...values, ...feeds });
}

describe("a linear probe", () => {
  test.each(["avg", "cls"] as const)("of %s features is the classifier that it is folded to", (globalPool) => {
    const shape = config(globalPool);
    const tensors = drawn(linearProbeSpecs(shape));
    const { weight, bias } = foldedHead((key) => tensors.get(key) as Float32Array);
    const folded = new Map([...tensors, ["head.weight", weight], ["head.bias", bias]] as const);
    for (const { name } of classifierSpecs(shape)) expect(folded.has(name), name).toBe(true);
    const probed = run(linearProbeGraph(shape, batch), tensors, { patches: images }).get("logits")?.data;
    const told = run(classifierGraph(shape, { batch, kept: "all" }), folded, { patches: images }).get("logits")?.data;
    const scale = Math.max(...Array.from(probed as Float64Array, Math.abs));
    for (const [i, value] of (probed as Float64Array).entries()) {
      // The folded weights are rounded to fp32.
      expect(Math.abs(((told as Float64Array)[i] as number) - value) / scale).toBeLessThan(1e-6);
    }
  });

  test("tells of features what it tells of the images that they are of", () => {
    const shape = config("cls");
    const tensors = drawn(linearProbeSpecs(shape));
    const features = run(featuresGraph(shape, batch), tensors, { patches: images }).get("features")?.data;
    const head = probeHeadGraph({ features: shape.embedDim, classes: shape.numClasses, batch });
    const ofFeatures = run(head, tensors, { features: features as Float64Array }).get("logits")?.data;
    expect(ofFeatures).toEqual(run(linearProbeGraph(shape, batch), tensors, { patches: images }).get("logits")?.data);
  });

  test("trains its linear layer alone, whose statistics are states", () => {
    const roles = linearProbeSpecs(config("avg")).map(({ name, role }) => `${role} ${name}`);
    expect(roles.filter((role) => !role.startsWith("fixed"))).toEqual([
      "state head.0.running_mean",
      "state head.0.running_var",
      "trainable head.1.weight",
      "trainable head.1.bias",
    ]);
  });
});
