import type { OpDefinition, Value } from "../types.ts";
import { inferBroadcast, referenceBroadcast, sumTo } from "./broadcast.ts";

/** `x + y` with broadcasting; the derivative of both is `dy`, summed over repeated axes. */
export const add: OpDefinition<"Add"> = {
  infer: (inputs) => inferBroadcast("Add", inputs),
  vjp({ inputs, cotangents, needed, b }) {
    return inputs.map((input, i) => (needed[i] ? sumTo(b, cotangents[0] as Value, input.shape) : undefined));
  },
  reference: (inputs) => referenceBroadcast("Add", inputs, (x, y) => x + y),
};
