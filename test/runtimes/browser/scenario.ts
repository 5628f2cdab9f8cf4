// A micro fine-tuning that every runtime executes from this one source: Node and browsers alike.

import type { Provider } from "../../../src/engine/onnx/operators.ts";
import type { Feeds } from "../../../src/engine/runtime/program.ts";
import type { Backend } from "../../../src/engine/runtime/session.ts";
import type { SpawnThread } from "../../../src/engine/runtime/threads.ts";
import type { ClassifierConfig } from "../../../src/method/models/config.ts";
import { finetuneGroups } from "../../../src/method/models/parameter-groups.ts";
import { RandomStream } from "../../../src/support/random.ts";
import {
  AdamW,
  classifierSpecs,
  compile,
  finetuneGraph,
  initialStore,
  type ParameterStore,
  Program,
} from "../../../src/web.ts";

const seed = 17;
const batch = 4;
const kept = 9;
const classes = 3;
const depth = 1;
const patchValues = 48;
const patches = 24;

/** Learning rates of the steps. */
export const rates = [1e-3, 2e-3, 1e-3];

/** Columns of the width: the middle third of a qkv bias belongs to the keys. */
export const embedDim = 24;

const config: ClassifierConfig = {
  inputHeight: 16,
  inputWidth: 24,
  patchSize: 4,
  inChans: 3,
  embedDim,
  depth,
  numHeads: 3,
  mlpRatio: 4,
  numClasses: classes,
  globalPool: "avg",
};
const specs = classifierSpecs(config);

/** Masked, with drop-path: indices, gathers and their derivatives take part. */
export const graph = finetuneGraph(config, { batch, kept, dropPathRates: [0.3] });

/** Parameters as training starts, moved off zeros and ones so that every gradient is far from rounding noise. */
export function startingStore(): ParameterStore {
  const store = initialStore(specs, seed);
  const noise = RandomStream.for(seed, "evaluation");
  for (const spec of specs) {
    const values = store.parameter(spec.name);
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) + 0.1 * noise.normal();
  }
  return store;
}

/** What the step counted from 0 sees: patches, their positions, smoothed targets and drop-path factors. */
export function feedsOf(step: number): Feeds {
  const draw = RandomStream.for(seed, "masks", step);
  const orders = Array.from({ length: batch }, () => draw.permutation(patches));
  const classTargets = new Float32Array(batch * classes).fill(0.1 / classes);
  for (let image = 0; image < batch; image++) {
    const at = image * classes + ((image + step) % classes);
    classTargets[at] = (classTargets[at] as number) + 0.9;
  }
  return {
    patches: Float32Array.from({ length: kept * batch * patchValues }, () => draw.normal()),
    positions: BigInt64Array.from({ length: kept * batch }, (_, row) =>
      BigInt(1 + (orders[row % batch]?.[Math.floor(row / batch)] as number)),
    ),
    classTargets,
    dropPath: Float32Array.from({ length: depth * 2 * batch }, (_, i) => (i % 5 === 3 ? 0 : 1 / 0.7)),
  };
}

export interface Runtime {
  backend: Backend;
  provider: Provider;
  /** The provider that the graph is written for, the same unless told otherwise. */
  compileFor?: Provider;
  /** Threads of ONNX Runtime and of the optimiser. */
  threads: number;
  spawn?: SpawnThread;
}

/** Flat arrays as plain numbers, to pass from a browser to Node. */
export type Tensors = Record<string, number[]>;

export interface Trained {
  losses: number[];
  gradientNorms: number[];
  /** Logits and gradients of the first step. */
  logits: number[];
  gradients: Tensors;
  /** After the last step. */
  parameters: Tensors;
}

/** Three training steps: ONNX Runtime's gradients, the optimiser's kernel, both on the same shared memory. */
export async function fineTune(runtime: Runtime): Promise<Trained> {
  const { backend, provider, compileFor = provider, threads, spawn } = runtime;
  const store = startingStore();
  const groups = finetuneGroups(specs, { depth, weightDecay: 0.05, layerDecay: 0.75 });
  const optimizer = new AdamW(store, groups, { beta1: 0.9, beta2: 0.999, eps: 1e-8, threads, spawn });
  await optimizer.ready();
  const program = await Program.load(backend, compile(graph, compileFor), { provider, threads, store });
  const trained: Trained = { losses: [], gradientNorms: [], logits: [], gradients: {}, parameters: {} };
  for (const [step, lr] of rates.entries()) {
    const { loss, logits } = (await program.run(feedsOf(step))) as Record<"loss" | "logits", Float32Array>;
    if (step === 0) {
      trained.logits = [...logits];
      trained.gradients = everyTensor((name) => store.gradient(name));
    }
    trained.losses.push(loss[0] as number);
    trained.gradientNorms.push(optimizer.step({ lr, stepIndex: step + 1, clipNorm: 1 }).gradientNorm);
  }
  trained.parameters = everyTensor((name) => store.parameter(name));
  await program.release();
  optimizer.close();
  return trained;
}

function everyTensor(view: (name: string) => Float32Array): Tensors {
  return Object.fromEntries(specs.map(({ name }) => [name, [...view(name)]]));
}
