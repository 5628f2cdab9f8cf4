import { availableParallelism } from "node:os";
import { nodeBackend } from "../../engine/runtime/node-backend.ts";
import type { Feeds, Outputs } from "../../engine/runtime/program.ts";
import type { Session } from "../../engine/runtime/session.ts";
import type { ImageModelConfig } from "../../method/models/config.ts";
import type { GraphRunner } from "../run-batches.ts";

/** A model as its file has it, which takes `images`, in the place of an engine that computes its graph. */
export class ExportedRunner implements GraphRunner {
  readonly #session: Session;
  readonly #image: readonly [number, number, number];

  private constructor(session: Session, { inChans, inputHeight, inputWidth }: ImageModelConfig) {
    this.#session = session;
    this.#image = [inChans, inputHeight, inputWidth];
  }

  /**
   * @param threads 0: one per core.
   * @throws MsmaeError Device when ONNX Runtime does not take it.
   */
  static async open(model: Uint8Array, config: ImageModelConfig, threads: number): Promise<ExportedRunner> {
    const options = { provider: "cpu", threads: threads || availableParallelism() } as const;
    return new ExportedRunner(await nodeBackend.createSession(model, options), config);
  }

  /** The file is loaded already. */
  async load(): Promise<void> {}
  async unload(): Promise<void> {}

  async run(_graph: string, { images }: Feeds): Promise<Outputs> {
    const data = images as Float32Array;
    const count = data.length / this.#image.reduce((a, b) => a * b);
    const fed = { images: { dtype: "float32", data, shape: [count, ...this.#image] } } as const;
    const told = await this.#session.run(fed, {});
    return Object.fromEntries(Object.entries(told).map(([name, tensor]) => [name, tensor.data]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}
