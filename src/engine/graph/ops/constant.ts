import { ndarray } from "../ndarray.ts";
import type { OpDefinition } from "../types.ts";

/** A value known when the graph is built. */
export const constant: OpDefinition<"Constant"> = {
  infer: (_, { dtype, shape }) => [{ dtype, shape }],
  vjp: () => [],
  reference: (_, { data, dtype, shape }) => [ndarray(shape, data, dtype)],
};
