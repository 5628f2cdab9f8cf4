import type { Worker } from "node:worker_threads";
import { fromPortable, MsmaeError, messageOf } from "../../support/errors.ts";
import { limitAdvice } from "../../support/machine-limits.ts";
import { moduleUrl } from "../../support/module-url.ts";
import { startThread } from "../../support/threads/start-thread.ts";
import type { Graph } from "../graph/graph.ts";
import { ExitGate } from "../runtime/node-exit-gate.ts";
import { keepTelemetryOff } from "../runtime/node-telemetry.ts";
import { compile, type Feeds, type Outputs } from "../runtime/program.ts";
import type { EngineSetup, TrainResult, Update } from "./core.ts";
import type { EngineCommand, EngineReply, EngineThreadData } from "./protocol.ts";

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * The engine as the main thread sees it: graphs run in a worker thread, over parameters in shared memory, while this
 * thread loads data, reports progress and answers signals. Requests are done one after another.
 */
export class Engine implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #gate = new ExitGate();
  readonly #setup: EngineSetup;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;
  #failure: Error | undefined;

  private constructor(setup: EngineSetup) {
    this.#setup = setup;
    const workerData: EngineThreadData = { setup, gate: this.#gate.memory };
    this.#worker = startThread(moduleUrl("./worker", import.meta.url), workerData);
    this.#worker.on("message", (reply: EngineReply) => this.#settle(reply));
    this.#worker.on("error", (error) => this.#fail(messageOf(error)));
    this.#worker.on("exit", (code) => {
      this.#gate.remove();
      this.#fail(`exit code ${code}`);
    });
  }

  /** Starts the thread and waits until it can run graphs. @throws MsmaeError Device when it cannot. */
  static async start(setup: EngineSetup): Promise<Engine> {
    keepTelemetryOff();
    const engine = new Engine(setup);
    try {
      await engine.#ask({ kind: "ready" });
      return engine;
    } catch (error) {
      await engine.#worker.terminate();
      throw error;
    }
  }

  /** Compiles a graph for the engine's device and loads it under its name; a name is loaded once. */
  async load(graph: Graph): Promise<void> {
    await this.#ask({ kind: "load", graph: compile(graph, this.#setup.provider) });
  }

  async unload(name: string): Promise<void> {
    await this.#ask({ kind: "unload", name });
  }

  /** Outputs of a loaded graph that are not gradients, by name. The feeds move to the engine: their arrays are empty after. */
  run(name: string, feeds: Feeds): Promise<Outputs> {
    return this.#ask({ kind: "run", name, feeds }) as Promise<Outputs>;
  }

  /** Runs a training graph and uses its gradients as `update` says. The feeds move, as in {@link Engine.run}. */
  train(name: string, feeds: Feeds, update: Update): Promise<TrainResult> {
    return this.#ask({ kind: "train", name, feeds, update }) as Promise<TrainResult>;
  }

  /** Ends the thread after the request in hand. */
  async close(): Promise<void> {
    if (!this.#failure) await this.#ask({ kind: "close" });
    this.#failure = new Error("the engine is closed");
    await this.#worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #ask(command: EngineCommand): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...command, id }, "feeds" in command ? buffersOf(command.feeds) : []);
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
