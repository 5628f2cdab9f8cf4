import { fromPortable, MsmaeError } from "../../support/errors.ts";
import { limitAdvice } from "../../support/machine-limits.ts";
import type { Graph } from "../graph/graph.ts";
import type { Provider } from "../onnx/operators.ts";
import { type ParameterGroup, parameterGroups } from "../optim/parameter-groups.ts";
import type { OptimizerStep } from "../optim/step-options.ts";
import type { ParameterStore } from "../parameters/parameter-store.ts";
import { compile, type Feeds, type Outputs } from "../runtime/program.ts";
import type { TrainResult, Update } from "./core.ts";
import { type Placement, placementOf } from "./placement.ts";
import type { EngineCommand, EngineReply, StartEngineThread } from "./protocol.ts";
import type { EngineSetup, OptimizerSetup } from "./setup.ts";

/** What an engine is opened with. */
export interface EngineOptions {
  /** The tensors that graphs read in place, and that are trained. */
  store: ParameterStore;
  /** Where graphs run: `cpu` in Node and `wasm` in a browser, unless told otherwise. */
  provider?: Provider;
  /** Threads of ONNX Runtime and of the optimiser: 1 unless told otherwise. */
  threads?: number;
  /** AdamW or LARS; absent where nothing is trained. */
  optimizer?: OptimizerOptions | undefined;
  /**
   * Whether gradients are handed over in the store, by `hold` and {@link Engine.step}: no unless told otherwise. Tensors then
   * stand in the host's memory, whatever the provider.
   */
  exchanges?: boolean | undefined;
}

/** An engine as it is to be started, and where its tensors will stand. */
export interface PlacedSetup {
  setup: EngineSetup;
  placement: Placement;
}

/** The optimiser's settings; what is left out is as in PyTorch, and of LARS as in MAE. */
export type OptimizerOptions = OptimizerRule & {
  /**
   * How each trainable tensor is treated, as {@link parameterGroups} says it. Unless told otherwise all learn at one
   * rate; under AdamW those of rank 2 and more decay by 0.01.
   */
  groups?: ReadonlyMap<string, ParameterGroup>;
};

/** AdamW's settings. */
export interface AdamWRule {
  rule?: "adamw";
  /** Decay of the first moment, 0.9. */
  beta1?: number;
  /** Decay of the second moment, 0.999. */
  beta2?: number;
  /** Added to the root of the second moment, 1e-8. */
  eps?: number;
}

/** LARS's settings. */
export interface LarsRule {
  rule: "lars";
  /** Share of the last movement that goes on, 0.9. */
  momentum?: number;
  /** How far a tensor moves at learning rate 1, as a share of its own norm: 0.001. */
  trustCoefficient?: number;
}

/** Which rule makes steps of gradients, AdamW unless told otherwise. */
export type OptimizerRule = AdamWRule | LarsRule;

/** The options as the engine's thread takes them. @param keeps providers whose devices keep tensors between runs. */
export function engineSetup(
  { store, optimizer, exchanges, ...options }: EngineOptions,
  { usual, keeps }: { usual: Provider; keeps: ReadonlySet<Provider> },
): PlacedSetup {
  const { provider = usual, threads = 1 } = options;
  const placement = placementOf(provider, optimizer?.rule, { exchanges, keeps });
  const { tensors } = placement;
  const made = optimizer && optimizerSetup(store, optimizer);
  return { placement, setup: { provider, threads, tensors, store: store.handle(), optimizer: made } };
}

function optimizerSetup(store: ParameterStore, options: OptimizerOptions): OptimizerSetup {
  if (options.rule === "lars") {
    const { groups = usualGroups(store, 0), momentum = 0.9, trustCoefficient = 0.001 } = options;
    return { rule: "lars", groups: [...groups], momentum, trustCoefficient };
  }
  const { groups = usualGroups(store, 0.01), beta1 = 0.9, beta2 = 0.999, eps = 1e-8 } = options;
  return { rule: "adamw", groups: [...groups], beta1, beta2, eps };
}

function usualGroups(store: ParameterStore, weightDecay: number): Map<string, ParameterGroup> {
  const tensors = store.trainableNames.map((name) => ({ name, shape: store.shapeOf(name) }));
  return parameterGroups(tensors, { weightDecay });
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * The engine as the thread that opened it sees it: graphs run in a worker, over parameters in shared memory, while this
 * thread loads data, reports progress and answers its user. Requests are done one after another.
 */
export class Engine implements AsyncDisposable {
  /** Where its tensors stand between runs. */
  readonly placement: Placement;
  readonly #thread: ReturnType<StartEngineThread>;
  readonly #provider: Provider;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;
  #failure: Error | undefined;

  private constructor({ setup, placement }: PlacedSetup, startThread: StartEngineThread) {
    this.placement = placement;
    this.#provider = setup.provider;
    this.#thread = startThread(
      setup,
      (reply) => this.#settle(reply),
      (reason) => this.#fail(reason),
    );
  }

  /** Starts the thread and waits until it can run graphs. @throws MsmaeError Device when it cannot. */
  static async start(setup: PlacedSetup, startThread: StartEngineThread): Promise<Engine> {
    const engine = new Engine(setup, startThread);
    try {
      await engine.#ask({ kind: "ready" });
      return engine;
    } catch (error) {
      await engine.#thread.terminate();
      throw error;
    }
  }

  /**
   * Compiles a graph for the engine's device and loads it under its name; a name is loaded once.
   *
   * @param later the parts that follow where the graph is the first of several (inParts).
   */
  async load(graph: Graph, later: readonly Graph[] = []): Promise<void> {
    const compiled = (part: Graph) => compile(part, this.#provider);
    await this.#ask({ kind: "load", parts: [compiled(graph), ...later.map(compiled)] });
  }

  /** Drops a graph, with the memory it holds. */
  async unload(name: string): Promise<void> {
    await this.#ask({ kind: "unload", name });
  }

  /**
   * Outputs of a loaded graph by name, except what it gives for the store. The feeds move to the engine: their arrays
   * are empty after.
   *
   * @throws MsmaeError Shape for a missing input or one of the wrong length or dtype.
   */
  run(name: string, feeds: Feeds): Promise<Outputs> {
    return this.#ask({ kind: "run", name, feeds }) as Promise<Outputs>;
  }

  /**
   * Runs a training graph, whose output `loss` is one number, and uses its gradients as `update` says. The feeds move,
   * as in {@link Engine.run}. A loss that is not finite comes back as it is and changes nothing.
   *
   * @throws MsmaeError Shape as `run` does; NonFiniteLoss for a gradient that is not finite.
   */
  train(name: string, feeds: Feeds, update: Update): Promise<TrainResult> {
    return this.#ask({ kind: "train", name, feeds, update }) as Promise<TrainResult>;
  }

  /**
   * Runs a later part, counted from 1, of a training graph that was loaded in parts, after `train` with `hold` and the parts
   * before it. The gradients that it gives stand in the store then.
   */
  async trainPart(name: string, part: number): Promise<void> {
    await this.#ask({ kind: "trainPart", name, part });
  }

  /**
   * One update of the optimiser alone, with gradients or sums of them that stand in the store already.
   *
   * @throws MsmaeError NonFiniteLoss as `train` does.
   */
  step(options: OptimizerStep): Promise<{ gradientNorm: number; optimizerSeconds: number }> {
    return this.#ask({ kind: "step", options }) as Promise<{ gradientNorm: number; optimizerSeconds: number }>;
  }

  /**
   * Brings into the store what trained steps have left on a device: parameters, states, moments and averages. From then on
   * the store's arrays are as they should be, until the next step. Where tensors stand in the store they always are.
   */
  async collect(): Promise<void> {
    await this.#ask({ kind: "collect" });
  }

  /** Ends the thread after the request in hand. What was not collected is lost. */
  async close(): Promise<void> {
    if (!this.#failure) await this.#ask({ kind: "close" });
    this.#failure = new Error("the engine is closed");
    await this.#thread.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #ask(command: EngineCommand): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#thread.send({ ...command, id }, "feeds" in command ? buffersOf(command.feeds) : []);
    });
  }

  #settle({ id, value, error }: EngineReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!error) waiting?.resolve(value);
    else waiting?.reject(fromPortable(error));
  }

  /** The thread is gone: nothing that waits for it may wait on. */
  #fail(got: string): void {
    if (this.#failure) return;
    this.#failure = new MsmaeError("Device", {
      where: "engine thread",
      expected: "it to run",
      got,
      todo: limitAdvice(got) ?? "check free memory, then resume from the last checkpoint",
    });
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/** The buffers that can move instead of being copied: each whole, and none twice. */
function buffersOf(feeds: Feeds): ArrayBuffer[] {
  const buffers = Object.values(feeds).map(({ buffer }) => buffer);
  return [...new Set(buffers.filter((buffer) => buffer instanceof ArrayBuffer))];
}
