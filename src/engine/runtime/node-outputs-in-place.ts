import { messageOf } from "../../support/errors.ts";
import { zeros } from "../graph/dtypes.ts";
import { sizeOf } from "../graph/shape.ts";
import type { TensorType } from "../graph/types.ts";
import type { HostTensor, Session, SessionTensor } from "./session.ts";

/**
 * A ModelProto with nothing but a node, `unreturned = SequenceEmpty()`, and that output. Put before a model's bytes it becomes
 * part of its graph, as protobuf joins messages that follow each other, and the first of its outputs.
 */
const unreturned = Uint8Array.from([
  ...[0x3a, 53], // ModelProto.graph
  ...[0x0a, 27, 0x12, 10, ...ascii("unreturned"), 0x22, 13, ...ascii("SequenceEmpty")], // node: output, op_type
  ...[0x62, 22, 0x0a, 10, ...ascii("unreturned")], // output: name
  ...[0x12, 8, 0x22, 6, 0x0a, 4, 0x0a, 2, 0x08, 1], // type: a sequence of float32 tensors
]);

/** What the binding says of it. */
const refusal = "Non tensor type is temporarily not supported";

/**
 * A model whose outputs ONNX Runtime's binding for Node does not copy. Where the caller gives arrays for outputs, that binding has them
 * written, and then makes a new array of each all the same: of all gradients at each step. It goes through the outputs in turn and
 * gives up at one that is no tensor. The first one is, here; all others stand in the caller's arrays by then.
 */
export function withUnreturnedOutputs(model: Uint8Array): Uint8Array {
  const whole = new Uint8Array(unreturned.length + model.length);
  whole.set(unreturned);
  whole.set(model, unreturned.length);
  return whole;
}

/** A session of such a model. @param outputs the types of all outputs of the model as it was. */
export function inPlaceSession(session: Session, outputs: Readonly<Record<string, TensorType>>): Session {
  return {
    async run(feeds, into) {
      const all = Object.fromEntries(
        Object.entries(outputs).map(([name, type]): [string, SessionTensor] => [name, into[name] ?? room(type)]),
      );
      await session.run(feeds, all).catch((error: unknown) => {
        if (!messageOf(error).includes(refusal)) throw error;
      });
      // The CPU's sessions have no tensors on a device.
      return all as Record<string, HostTensor>;
    },
    release: () => session.release(),
  };
}

function room({ dtype, shape }: TensorType): HostTensor {
  return { dtype, shape, data: zeros(dtype, sizeOf(shape)) };
}

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}
