import { input } from "../graph/builders.ts";
import { graph } from "../graph/graph.ts";
import type { Shape } from "../graph/types.ts";
import { emitOnnx } from "../onnx/emit.ts";
import type { Backend, DeviceSession, DeviceTensor, HostTensor, Session, SessionOptions } from "../runtime/session.ts";

/** A backend whose device keeps tensors between runs. */
export type DeviceBackend = Required<Backend>;

/**
 * Moves float32 tensors of fixed names and shapes between the host's memory and a device: by a graph that gives what it
 * is fed, since ONNX Runtime has no other way in Node. It holds a session as long as it lives, which keeps the device.
 */
export class Transfer {
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #maker: DeviceSession;
  readonly #mover: Session;

  private constructor(shapes: ReadonlyMap<string, Shape>, maker: DeviceSession, mover: Session) {
    this.#shapes = shapes;
    this.#maker = maker;
    this.#mover = mover;
  }

  static async open(
    backend: DeviceBackend,
    options: SessionOptions,
    shapes: ReadonlyMap<string, Shape>,
  ): Promise<Transfer> {
    const outputs = Array.from(shapes, ([name, shape]) => [moved(name), input(name, shape)] as const);
    const model = emitOnnx(graph("transfer", new Map(outputs)), options.provider);
    const maker = await backend.createDeviceSession(model, options);
    return new Transfer(shapes, maker, await backend.createSession(model, options));
  }

  /** New tensors of the device with the values of views, by name. */
  async make(viewOf: (name: string) => Float32Array): Promise<Map<string, DeviceTensor>> {
    const made = await this.#maker.run(this.#onHost(viewOf));
    return new Map(Array.from(this.#shapes.keys(), (name) => [name, made[moved(name)] as DeviceTensor]));
  }

  /** Copies the values of views into tensors of the device. */
  async upload(viewOf: (name: string) => Float32Array, into: ReadonlyMap<string, DeviceTensor>): Promise<void> {
    await this.#mover.run(this.#onHost(viewOf), outputsOf(into));
  }

  /** Copies tensors of the device into views. */
  async download(from: ReadonlyMap<string, DeviceTensor>, viewOf: (name: string) => Float32Array): Promise<void> {
    const views = Object.entries(this.#onHost(viewOf)).map(([name, view]): [string, HostTensor] => [moved(name), view]);
    await this.#mover.run(Object.fromEntries(from), Object.fromEntries(views));
  }

  async release(): Promise<void> {
    await this.#maker.release();
    await this.#mover.release();
  }

  #onHost(viewOf: (name: string) => Float32Array): Record<string, HostTensor> {
    const views = Array.from(this.#shapes, ([name, shape]): [string, HostTensor] => [
      name,
      { dtype: "float32", data: viewOf(name), shape },
    ]);
    return Object.fromEntries(views);
  }
}

const moved = (name: string): string => `moved/${name}`;

function outputsOf(tensors: ReadonlyMap<string, DeviceTensor>): Record<string, DeviceTensor> {
  return Object.fromEntries(Array.from(tensors, ([name, tensor]) => [moved(name), tensor]));
}
