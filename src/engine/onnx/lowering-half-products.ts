import { smallestOfHalf } from "../graph/ops/half-gemm.ts";
import type { Node, Value } from "../graph/types.ts";
import { type Emitter, emitted, flag } from "./emitter.ts";

/** TensorProto.DataType of what stands between the casts: float16 is no dtype of the graph, since no value of it leaves a product. */
const FLOAT16 = 10;
const FLOAT = 1;

/** Both operands as float16, each made once however many products read it; their product as float32, scaled back, with the bias. */
export function lowerHalfGemm({ inputs, outputs, attributes }: Node<"HalfGemm">, e: Emitter): void {
  const { transA, transB, scaled } = attributes;
  const [a, w, bias] = inputs as [Value, Value, Value | undefined];
  const { values, largest } = scaled ? scaledHalf(a, e) : { values: half(a, e), largest: undefined };
  const transposed = { transA: flag(transA), transB: flag(transB) };
  const product = emitted(e, "Gemm", [values, half(w, e)], transposed);
  // The last of what follows has the name of the result.
  const result = e.name(outputs[0] as Value);
  const scaledBack = bias ? undefined : result;
  const inFloat = cast(product, FLOAT, e, largest === undefined ? scaledBack : undefined);
  const whole = largest === undefined ? inFloat : emitted(e, "Mul", [inFloat, largest], {}, scaledBack);
  if (bias) e.emit("Add", [whole, e.name(bias)], [result]);
}

const half = (value: Value, e: Emitter): string => e.once("half", value, () => cast(e.name(value), FLOAT16, e));

/** A value over its largest magnitude, which is [1, 1]. WebGPU has neither ReduceMin nor Max: of a and b, b + relu(a − b) is the larger. */
const scaledHalf = (value: Value, e: Emitter): { values: string; largest: string } =>
  e.once("scaled half", value, () => {
    const name = e.name(value);
    const most = (values: string) => emitted(e, "ReduceMax", [values, e.int64([0, 1])], { keepdims: { int: 1 } });
    const [above, below] = [most(name), most(emitted(e, "Neg", [name]))];
    const larger = emitted(e, "Add", [below, emitted(e, "Relu", [emitted(e, "Sub", [above, below])])]);
    const largest = emitted(e, "Add", [larger, e.float(smallestOfHalf)]);
    return { values: cast(emitted(e, "Div", [name, largest]), FLOAT16, e), largest };
  });

const cast = (name: string, to: number, e: Emitter, result = e.fresh()): string =>
  emitted(e, "Cast", [name], { to: { int: to } }, result);
