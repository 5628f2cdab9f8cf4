import type { Shape, Value } from "../graph/types.ts";
import type { onnx } from "./generated/onnx.js";
import type { Target } from "./operators.ts";

/** What a lowering rule may do: name operands, make intermediate results, and write nodes. */
export interface Emitter {
  readonly provider: Target;
  /** The version of ONNX's own operators that is written. */
  readonly opset: number;
  name(value: Value): string;
  /** Whether anything reads this output. */
  isUsed(value: Value): boolean;
  fresh(): string;
  /** A number that this graph has not been given before. */
  number(): number;
  /** A small int64 vector, as operators of newer ONNX versions take for axes and shapes. */
  int64(values: readonly number[]): string;
  /** As {@link Emitter.int64}, the shape that a Reshape takes. */
  reshape(shape: Shape): string;
  float(value: number): string;
  uint8(value: number): string;
  /** What is made of a value under this name, made once however many read it. */
  once<T>(name: string, value: Value, make: () => T): T;
  floats(values: readonly number[], shape: Shape): string;
  /** A tensor of any type that stands in the model under its name, once. */
  initializer(tensor: onnx.ITensorProto & { name: string }): string;
  emit(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes?: NodeAttributes,
    domain?: string,
  ): void;
}

export type NodeAttributes = Readonly<Record<string, AttributeValue>>;
export type AttributeValue = { int: number } | { float: number } | { ints: readonly number[] };

/** Of a switch. */
export const flag = (on: boolean): AttributeValue => ({ int: on ? 1 : 0 });

export const contribDomain = "com.microsoft";

/** Writes a node of one result, and gives its name. */
export function emitted(
  e: Emitter,
  opType: string,
  inputs: readonly string[],
  attributes?: NodeAttributes,
  result = e.fresh(),
): string {
  e.emit(opType, inputs, [result], attributes);
  return result;
}
