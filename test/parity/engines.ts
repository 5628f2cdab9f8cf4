import type { Graph } from "../../src/engine/graph/graph.ts";
import { interpret } from "../../src/engine/graph/interpreter.ts";
import { storeOutputName } from "../../src/engine/graph/output-names.ts";
import type { NdArray } from "../../src/engine/graph/types.ts";
import { AdamW } from "../../src/engine/optim/adamw.ts";
import { clipCoefficient } from "../../src/engine/optim/clip.ts";
import { Lars } from "../../src/engine/optim/lars.ts";
import type { Optimizer } from "../../src/engine/optim/optimizer.ts";
import type { ParameterGroup } from "../../src/engine/optim/parameter-groups.ts";
import { ParameterStore } from "../../src/engine/parameters/parameter-store.ts";
import type { ParameterSpec } from "../../src/engine/parameters/specs.ts";
import { nodeBackend } from "../../src/engine/runtime/node-backend.ts";
import { compile, floatsOf, Program } from "../../src/engine/runtime/program.ts";
import { type AdamWTensor, adamwReference, globalNorm } from "../support/adamw-reference.ts";
import { larsReference } from "../support/lars-reference.ts";
import type { Executor } from "../tolerances.ts";

export type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
export type Feeds = Readonly<Record<string, Floats | BigInt64Array | Uint8Array>>;

/** The results of a run by output name, gradients included. */
export type Results = (name: string) => Floats;

export interface AdamWSettings {
  groups: ReadonlyMap<string, ParameterGroup>;
  beta1: number;
  beta2: number;
  eps: number;
  clipNorm: number | undefined;
}

export interface LarsSettings {
  groups: ReadonlyMap<string, ParameterGroup>;
  momentum: number;
  trustCoefficient: number;
}

/** One model's parameters and the way its graphs and its optimiser are run. */
export interface Engine {
  readonly executor: Executor;
  /** Values in this engine's precision. */
  floats(values: ArrayLike<number>): Floats;
  /** Sets every parameter. */
  reset(parameters: ReadonlyMap<string, Float64Array>): void;
  parameter(name: string): ArrayLike<number>;
  /** Runs a graph of this model. Its gradients stay with the engine for the optimiser. */
  run(graph: Graph, feeds: Feeds): Promise<Results>;
  /** Begins AdamW from zero moments; the function makes one step with the last run's gradients and returns their norm. */
  adamw(settings: AdamWSettings): (lr: number, stepIndex: number) => number;
  /** As {@link Engine.adamw}, with LARS from no movement. */
  lars(settings: LarsSettings): (lr: number, stepIndex: number) => number;
  close(): Promise<void>;
}

/** The float64 interpreter and the float64 definition of AdamW. */
export class Float64Engine implements Engine {
  readonly executor = "float64";
  readonly #specs: readonly ParameterSpec[];
  #parameters = new Map<string, Float64Array>();
  #results: ReadonlyMap<string, NdArray> = new Map();

  constructor(specs: readonly ParameterSpec[]) {
    this.#specs = specs;
  }

  floats = (values: ArrayLike<number>): Floats => Float64Array.from(values);

  reset(parameters: ReadonlyMap<string, Float64Array>): void {
    this.#parameters = new Map(this.#specs.map(({ name }) => [name, entryOf(parameters, name).slice()]));
  }

  parameter = (name: string): ArrayLike<number> => entryOf(this.#parameters, name);

  async run(graph: Graph, feeds: Feeds): Promise<Results> {
    this.#results = interpret(graph, { ...Object.fromEntries(this.#parameters), ...feeds });
    const results = this.#results;
    return (name) => entryOf(results, name).data as Float64Array<ArrayBuffer>;
  }

  adamw({ groups, clipNorm, ...betas }: AdamWSettings): (lr: number, stepIndex: number) => number {
    const trainable = this.#specs.filter((spec) => spec.role === "trainable").map(({ name }) => name);
    const tensors = new Map<string, AdamWTensor>();
    for (const name of trainable) {
      const parameter = entryOf(this.#parameters, name);
      const [firstMoment, secondMoment] = [new Float64Array(parameter.length), new Float64Array(parameter.length)];
      tensors.set(name, { parameter, gradient: parameter, firstMoment, secondMoment });
    }
    return (lr, stepIndex) => {
      const gradients = trainable.map((name) => entryOf(this.#results, storeOutputName("gradient", name)).data);
      const norm = globalNorm(gradients);
      const gradientScale = clipNorm === undefined ? 1 : clipCoefficient(norm, clipNorm);
      trainable.forEach((name, i) => {
        const { lrScale, ...decay } = entryOf(groups, name);
        const tensor = { ...entryOf(tensors, name), gradient: gradients[i] as Float64Array };
        adamwReference(tensor, { ...betas, lr: lr * lrScale, ...decay, stepIndex, gradientScale });
      });
      this.#commitState();
      return norm;
    };
  }

  lars({ groups, ...settings }: LarsSettings): (lr: number) => number {
    const trainable = this.#specs.filter((spec) => spec.role === "trainable");
    const movements = new Map(trainable.map(({ name }) => [name, new Float64Array(this.parameter(name).length)]));
    return (lr) => {
      const gradientOf = (name: string) =>
        entryOf(this.#results, storeOutputName("gradient", name)).data as Float64Array;
      for (const { name, shape } of trainable) {
        const { lrScale, l2 = 0 } = entryOf(groups, name);
        const tensor = {
          parameter: entryOf(this.#parameters, name),
          gradient: gradientOf(name),
          momentum: entryOf(movements, name),
        };
        larsReference(tensor, { ...settings, lr: lr * lrScale, l2, scaled: shape.length > 1 });
      }
      this.#commitState();
      return globalNorm(trainable.map(({ name }) => gradientOf(name)));
    };
  }

  async close(): Promise<void> {}

  #commitState(): void {
    for (const { name, role } of this.#specs) {
      const next = role === "state" && this.#results.get(storeOutputName("state", name))?.data;
      if (next) this.#parameters.set(name, Float64Array.from(next));
    }
  }
}

/** ONNX Runtime's CPU provider with the shared parameter store and the AdamW kernels: what training runs on. */
export class CpuEngine implements Engine {
  readonly executor = "cpu";
  readonly #store: ParameterStore;
  readonly #programs = new Map<Graph, Program>();
  #lastRun: Program | undefined;
  readonly #optimizers: Optimizer[] = [];

  constructor(specs: readonly ParameterSpec[]) {
    this.#store = ParameterStore.create(specs);
  }

  floats = (values: ArrayLike<number>): Floats => Float32Array.from(values);

  reset(parameters: ReadonlyMap<string, Float64Array>): void {
    for (const name of this.#store.names) this.#store.parameter(name).set(entryOf(parameters, name));
    for (const arena of ["firstMoment", "secondMoment"] as const) {
      for (const flat of this.#store.flat(arena)) flat.fill(0);
    }
  }

  parameter = (name: string): ArrayLike<number> => this.#store.parameter(name);

  async run(graph: Graph, feeds: Feeds): Promise<Results> {
    const store = this.#store;
    let program = this.#programs.get(graph);
    if (!program) {
      program = await Program.load(nodeBackend, compile(graph, "cpu"), { provider: "cpu", threads: 1, store });
      this.#programs.set(graph, program);
    }
    this.#lastRun = program;
    // A gradient that the graph fails to write must not pass for that of an earlier run.
    for (const name of store.trainableNames) store.gradient(name).fill(Number.NaN);
    const results = new Map<string, Floats>();
    const outputs = floatsOf(await program.run(feeds as Record<string, Float32Array | BigInt64Array | Uint8Array>));
    for (const [name, values] of Object.entries(outputs)) results.set(name, Float32Array.from(values));
    for (const name of store.trainableNames)
      results.set(storeOutputName("gradient", name), Float32Array.from(store.gradient(name)));
    return (name) => entryOf(results, name);
  }

  adamw({ groups, clipNorm, ...betas }: AdamWSettings): (lr: number, stepIndex: number) => number {
    return this.#steps(new AdamW(this.#store, groups, betas), clipNorm);
  }

  lars({ groups, ...settings }: LarsSettings): (lr: number, stepIndex: number) => number {
    return this.#steps(new Lars(this.#store, groups, settings), undefined);
  }

  #steps(optimizer: Optimizer, clipNorm: number | undefined): (lr: number, stepIndex: number) => number {
    this.#optimizers.push(optimizer);
    return (lr, stepIndex) => {
      const { gradientNorm } = optimizer.step({ lr, stepIndex, clipNorm });
      this.#lastRun?.commitState();
      return gradientNorm;
    };
  }

  async close(): Promise<void> {
    for (const optimizer of this.#optimizers) optimizer.close();
    for (const program of this.#programs.values()) await program.release();
    this.#programs.clear();
  }
}

function entryOf<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`no "${name}"`);
  return value;
}
