import type { OpDefinition, Value } from "../types.ts";
import { inferBroadcast, referenceBroadcast, sumTo } from "./broadcast.ts";

/** `x - y` with broadcasting; derivatives `dy` and `-dy`, summed over repeated axes. */
export const sub: OpDefinition<"Sub"> = {
  infer: (inputs) => inferBroadcast("Sub", inputs),
  vjp({ inputs, cotangents, needed, b }) {
    const [x, y] = inputs as [Value, Value];
    const dy = cotangents[0] as Value;
    return [
      needed[0] ? sumTo(b, dy, x.shape) : undefined,
      // Summing first leaves the smaller array to negate.
      needed[1] ? b.neg(sumTo(b, dy, y.shape)) : undefined,
    ];
  },
  reference: (inputs) => referenceBroadcast("Sub", inputs, (x, y) => x - y),
};
