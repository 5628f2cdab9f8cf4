import type { Value } from "../graph/types.ts";
import type { Provider } from "./operators.ts";

/** What a lowering rule may do: name operands, make intermediate results, and write nodes. */
export interface Emitter {
  readonly provider: Provider;
  name(value: Value): string;
  /** Whether anything reads this output. */
  isUsed(value: Value): boolean;
  fresh(): string;
  /** A number that this graph has not been given before. */
  number(): number;
  /** A number that this graph has not been given before. */
  number(): number;
  /** A small int64 vector, as operators of newer ONNX versions take for axes and shapes. */
  int64(values: readonly number[]): string;
  float(value: number): string;
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

export const contribDomain = "com.microsoft";
