import type { OpDefinition, Value } from "../types.ts";
import { inferBroadcast, referenceBroadcast, sumTo } from "./broadcast.ts";

/** `x / y` with broadcasting; saves its output: derivatives `dy / y` and `-(dy / y) · output`. */
export const div: OpDefinition<"Div"> = {
  infer: (inputs) => inferBroadcast("Div", inputs),
  vjp({ inputs, outputs, cotangents, needed, b }) {
    const [x, y] = inputs as [Value, Value];
    const quotient = b.div(cotangents[0] as Value, y);
    return [
      needed[0] ? sumTo(b, quotient, x.shape) : undefined,
      needed[1] ? b.neg(sumTo(b, b.mul(quotient, outputs[0] as Value), y.shape)) : undefined,
    ];
  },
  reference: (inputs) => referenceBroadcast("Div", inputs, (x, y) => x / y),
};
