import { MsmaeError } from "../../support/errors.ts";
import { RandomStream } from "../../support/random.ts";
import { input } from "../graph/builders.ts";
import { formatShape, sameShape, sizeOf } from "../graph/shape.ts";
import type { Shape, Value } from "../graph/types.ts";
import type { TensorRole } from "./store-layout.ts";

/** How a tensor starts. */
export type Initializer =
  | { kind: "zeros" }
  | { kind: "ones" }
  /** Uniform in ±√(6 / (fanIn + fanOut)), of the tensor seen as [first extent, product of the others]. */
  | { kind: "xavier-uniform" }
  /** Uniform in ±bound. */
  | { kind: "uniform"; bound: number }
  | { kind: "normal"; std: number }
  /** Normal, redrawn beyond two units of the tensor (as timm's trunc_normal_, whose bounds are absolute). */
  | { kind: "truncated-normal"; std: number }
  | { kind: "table"; data: ArrayLike<number> };

/** A tensor of a model under its checkpoint key. */
export interface ParameterSpec {
  name: string;
  shape: Shape;
  role: TensorRole;
  init: Initializer;
}

/** The graph's view of a model's tensors, by checkpoint key. */
export interface Parameters {
  /** @throws MsmaeError Config for a key that the model lacks. */
  (name: string): Value;
  /**
   * Says what a state tensor becomes when a training step is taken, such as a running mean moved towards the batch's.
   *
   * @throws MsmaeError Config for a tensor that is no state, has been updated before, or has another shape.
   */
  update(name: string, next: Value): void;
  /** Says where a block of layers begins: at what goes into it, from which a derivative can compute its inside anew. */
  startBlock(rows: Value): void;
}

/** What a graph is built with: its view of a model's tensors, and what came of it. */
export interface ModelInputs extends Parameters {
  readonly specs: readonly ParameterSpec[];
  /** The next values of state tensors, by key. */
  readonly updates: ReadonlyMap<string, Value>;
  /** What goes into each block, in the order of the blocks. */
  readonly blockStarts: readonly Value[];
}

/** Graph inputs for a model's tensors, made when first asked for, so that a graph holds only those it uses. */
export function parameterInputs(specs: readonly ParameterSpec[]): ModelInputs {
  const known = new Map(specs.map((spec) => [spec.name, spec]));
  const specOf = (name: string): ParameterSpec => {
    const spec = known.get(name);
    if (spec) return spec;
    throw wrong(name, "a tensor of this model", "an unknown key");
  };
  const made = new Map<string, Value>();
  const updates = new Map<string, Value>();
  const blockStarts: Value[] = [];
  const parameters = (name: string): Value => {
    const value = made.get(name) ?? input(name, specOf(name).shape);
    made.set(name, value);
    return value;
  };
  const update = (name: string, next: Value): void => {
    const { role, shape } = specOf(name);
    if (role !== "state") throw wrong(name, "a state tensor to update", `a ${role} one`);
    if (updates.has(name)) throw wrong(name, "one update in a graph", "a second");
    if (next.dtype !== "float32" || !sameShape(next.shape, shape)) {
      throw wrong(name, `float32 ${formatShape(shape)}`, `${next.dtype} ${formatShape(next.shape)}`);
    }
    updates.set(name, next);
  };
  const startBlock = (rows: Value): void => {
    blockStarts.push(rows);
  };
  return Object.assign(parameters, { update, startBlock, specs, updates, blockStarts });
}

function wrong(name: string, expected: string, got: string): MsmaeError {
  return new MsmaeError("Config", {
    where: `parameter "${name}"`,
    expected,
    got,
    todo: "check the model's configuration",
  });
}

/** The specs of a linear layer. */
export function linearSpecs(
  prefix: string,
  inFeatures: number,
  outFeatures: number,
  init: Initializer = { kind: "xavier-uniform" },
): ParameterSpec[] {
  return [
    { name: `${prefix}.weight`, shape: [outFeatures, inFeatures], role: "trainable", init },
    { name: `${prefix}.bias`, shape: [outFeatures], role: "trainable", init: { kind: "zeros" } },
  ];
}

/** The specs of a LayerNorm. */
export function layerNormSpecs(prefix: string, features: number): ParameterSpec[] {
  return [
    { name: `${prefix}.weight`, shape: [features], role: "trainable", init: { kind: "ones" } },
    { name: `${prefix}.bias`, shape: [features], role: "trainable", init: { kind: "zeros" } },
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
    case "uniform":
      draw(() => init.bound * (2 * stream.uniform() - 1));
      break;
    case "xavier-uniform": {
      const bound = Math.sqrt(6 / ((shape[0] as number) + sizeOf(shape.slice(1))));
      draw(() => bound * (2 * stream.uniform() - 1));
      break;
    }
  }
}
