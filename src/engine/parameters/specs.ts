import { MsmaeError } from "../../support/errors.ts";
import { RandomStream } from "../../support/random.ts";
import { input } from "../graph/builders.ts";
import { sizeOf } from "../graph/shape.ts";
import type { Shape, Value } from "../graph/types.ts";

/** How a tensor starts. */
export type Initializer =
  | { kind: "zeros" }
  | { kind: "ones" }
  /** Uniform in ±√(6 / (fanIn + fanOut)), of the tensor seen as [first extent, product of the others]. */
  | { kind: "xavier-uniform" }
  | { kind: "normal"; std: number }
  /** Normal, redrawn beyond two units of the tensor (as timm's trunc_normal_, whose bounds are absolute). */
  | { kind: "truncated-normal"; std: number }
  | { kind: "table"; data: ArrayLike<number> };

/** A tensor of a model under its checkpoint key. Those that are not trainable are fixed tables. */
export interface ParameterSpec {
  name: string;
  shape: Shape;
  trainable: boolean;
  init: Initializer;
}

/** The graph's view of a model's tensors, by checkpoint key. */
export type Parameters = (name: string) => Value;

/** Graph inputs for a model's tensors, made when first asked for, so that a graph holds only those it uses. */
export function parameterInputs(specs: readonly ParameterSpec[]): Parameters & { used(): Map<string, Value> } {
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
  const made = new Map<string, Value>();
  const parameters = (name: string): Value => {
    const shape = shapes.get(name);
    if (!shape) {
      throw new MsmaeError("Config", {
        where: `parameter "${name}"`,
        expected: "a tensor of this model",
        got: "an unknown key",
        todo: "check the model's configuration",
      });
    }
    const known = made.get(name) ?? input(name, shape);
    made.set(name, known);
    return known;
  };
  return Object.assign(parameters, { used: () => made });
}

/** The specs of a linear layer. */
export function linearSpecs(
  prefix: string,
  inFeatures: number,
  outFeatures: number,
  init: Initializer = { kind: "xavier-uniform" },
): ParameterSpec[] {
  return [
    { name: `${prefix}.weight`, shape: [outFeatures, inFeatures], trainable: true, init },
    { name: `${prefix}.bias`, shape: [outFeatures], trainable: true, init: { kind: "zeros" } },
  ];
}

/** The specs of a LayerNorm. */
export function layerNormSpecs(prefix: string, features: number): ParameterSpec[] {
  return [
    { name: `${prefix}.weight`, shape: [features], trainable: true, init: { kind: "ones" } },
    { name: `${prefix}.bias`, shape: [features], trainable: true, init: { kind: "zeros" } },
  ];
}

/** Writes a tensor's initial values. Every tensor draws from a stream of its own, keyed by its name. */
export function initialize({ name, shape, init }: ParameterSpec, seed: number, into: Float32Array): void {
  const stream = RandomStream.for(seed, "initialisation", ...Array.from(name, (letter) => letter.charCodeAt(0)));
  const draw = (next: () => number) => {
    for (let i = 0; i < into.length; i++) into[i] = next();
  };
  switch (init.kind) {
    case "zeros":
      into.fill(0);
      break;
    case "ones":
      into.fill(1);
      break;
    case "table":
      into.set(init.data);
      break;
    case "normal":
      draw(() => init.std * stream.normal());
      break;
    case "truncated-normal":
      draw(() => {
        for (;;) {
          const value = init.std * stream.normal();
          if (Math.abs(value) <= 2) return value;
        }
      });
      break;
    case "xavier-uniform": {
      const bound = Math.sqrt(6 / ((shape[0] as number) + sizeOf(shape.slice(1))));
      draw(() => bound * (2 * stream.uniform() - 1));
      break;
    }
  }
}
