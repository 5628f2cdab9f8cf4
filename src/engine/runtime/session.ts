import type { DType, TensorData } from "../graph/dtypes.ts";
import type { Shape, TensorType } from "../graph/types.ts";
import type { Provider } from "../onnx/operators.ts";

/** A host array with its shape, as it goes into and comes out of ONNX Runtime. Numbers are little-endian, row-major. */
export interface HostTensor {
  dtype: DType;
  data: TensorData;
  shape: Shape;
}

/** A tensor in the memory of a device, which every session of that device reads and writes in place. */
export interface DeviceTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  /** Gives its memory back: nothing may use it any more. */
  release(): void;
}

/** What a session reads or writes, wherever it stands. */
export type SessionTensor = HostTensor | DeviceTensor;

/** Whether a tensor stands in the host's memory. */
export function isOnHost(tensor: SessionTensor): tensor is HostTensor {
  return "data" in tensor;
}

export interface SessionOptions {
  provider: Provider;
  /** Threads of one operator, the calling one included. */
  threads: number;
  /** The types of all outputs, where every run gives the same: what is written is then spared a copy, where a backend can. */
  outputs?: Readonly<Record<string, TensorType>>;
}

/** A loaded model of one execution provider. */
export interface Session {
  /**
   * Runs the model and gives its outputs, save those that were written to a device. Feeds are read in place; an output
   * named in `into` is written to that tensor, others are new. A device may write to what it is fed, as long as every node
   * that reads the old values comes before the one that writes.
   */
  run(
    feeds: Readonly<Record<string, SessionTensor>>,
    into: Readonly<Record<string, SessionTensor>>,
  ): Promise<Record<string, HostTensor>>;
  release(): Promise<void>;
}

/** A loaded model whose outputs are new tensors of the device. They live no longer than the device's last session. */
export interface DeviceSession {
  run(feeds: Readonly<Record<string, SessionTensor>>): Promise<Record<string, DeviceTensor>>;
  release(): Promise<void>;
}

/** What differs between Node and browsers: how ONNX Runtime is reached. */
export interface Backend {
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  /** Absent where no device keeps tensors between runs. */
  createDeviceSession?(model: Uint8Array, options: SessionOptions): Promise<DeviceSession>;
}
