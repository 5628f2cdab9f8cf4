import type { Node, Value } from "../graph/types.ts";
import type { Emitter, NodeAttributes } from "./emitter.ts";

/**
 * BatchNormalization in its training form, where a provider has it: with momentum 0 its running statistics are the
 * batch's own. Elsewhere in sums and passes over the images.
 */
export function lowerBatchNormalization(node: Node<"BatchNormalization">, e: Emitter): void {
  const { epsilon } = node.attributes;
  const [x, scale, bias] = node.inputs as [Value, Value, Value];
  const [y, mean, variance] = node.outputs.map((output) => (e.isUsed(output) ? e.name(output) : e.fresh()));
  const channels = scale.shape[0] as number;
  if (e.provider === "cpu" || e.provider === "wasm") {
    // Running statistics, which momentum 0 passes over. The results take their memory, so that no two of a graph may
    // have the same value: ONNX Runtime would make one tensor of them, and the last node's results would be everyone's.
    const unused = [e.number(), e.number()].map((value) => {
      const result = e.fresh();
      e.emit("Expand", [e.float(value), e.int64([channels])], [result]);
      return result;
    });
    e.emit("BatchNormalization", [...node.inputs.map(e.name), ...unused], [y, mean, variance] as string[], {
      epsilon: { float: epsilon },
      momentum: { float: 0 },
      training_mode: { int: 1 },
    });
    return;
  }
  const emitted = (opType: string, inputs: string[], attributes?: NodeAttributes): string => {
    const result = e.fresh();
    e.emit(opType, inputs, [result], attributes);
    return result;
  };
  const perChannel = (name: string) => emitted("Reshape", [name, e.int64([1, channels, 1, 1])]);
  // Over a plane and then over the images: one fp32 sum of millions would be off.
  const average = (name: string) => {
    const keepdims = { keepdims: { int: 1 } };
    return emitted("ReduceMean", [emitted("ReduceMean", [name, e.int64([2, 3])], keepdims), e.int64([0])], keepdims);
  };
  const centre = average(e.name(x));
  const centred = emitted("Sub", [e.name(x), centre]);
  const spread = average(emitted("Mul", [centred, centred]));
  const deviation = emitted("Sqrt", [emitted("Add", [spread, e.float(epsilon)])]);
  const slope = emitted("Div", [perChannel(e.name(scale)), deviation]);
  e.emit("Add", [emitted("Mul", [centred, slope]), perChannel(e.name(bias))], [y as string]);
  e.emit("Reshape", [centre, e.int64([channels])], [mean as string]);
  e.emit("Reshape", [spread, e.int64([channels])], [variance as string]);
}
