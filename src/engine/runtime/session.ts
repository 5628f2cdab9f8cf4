import type { DType, TensorData } from "../graph/dtypes.ts";
import type { Shape } from "../graph/types.ts";
import type { Provider } from "../onnx/operators.ts";

/** A host array with its shape, as it goes into and comes out of ONNX Runtime. Numbers are little-endian, row-major. */
export interface HostTensor {
  dtype: DType;
  data: TensorData;
  shape: Shape;
}

export interface SessionOptions {
  provider: Provider;
  /** Threads of one operator, the calling one included. */
  threads: number;
}

/** A loaded model of one execution provider. */
export interface Session {
  /**
   * Runs the model. Feeds are read in place; an output named in `into` is written to that array, others are new.
   */
  run(
    feeds: Readonly<Record<string, HostTensor>>,
    into: Readonly<Record<string, HostTensor>>,
  ): Promise<Record<string, HostTensor>>;
  release(): Promise<void>;
}

/** What differs between Node and browsers: how ONNX Runtime is reached. */
export interface Backend {
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
}
