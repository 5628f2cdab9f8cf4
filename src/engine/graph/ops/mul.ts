import type { OpDefinition, Value } from "../types.ts";
import { inferBroadcast, referenceBroadcast, sumTo } from "./broadcast.ts";

/** `x · y` with broadcasting; derivatives `dy · y` and `dy · x`, summed over repeated axes. */
export const mul: OpDefinition<"Mul"> = {
  infer: (inputs) => inferBroadcast("Mul", inputs),
  vjp({ inputs, cotangents, needed, b }) {
    const [x, y] = inputs as [Value, Value];
    const dy = cotangents[0] as Value;
    return [
      needed[0] ? sumTo(b, b.mul(dy, y), x.shape) : undefined,
      needed[1] ? sumTo(b, b.mul(dy, x), y.shape) : undefined,
    ];
  },
  reference: (inputs) => referenceBroadcast("Mul", inputs, (x, y) => x * y),
};
