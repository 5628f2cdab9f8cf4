import { MsmaeError } from "../../../support/errors.ts";
import type { OpDefinition } from "../types.ts";

/** A value fed from outside. Its type is given at construction (`input` in builders.ts), not inferred. */
export const input: OpDefinition<"Input"> = {
  infer: () => [],
  vjp: () => [],
  reference(_, { name }) {
    throw new MsmaeError("Shape", {
      where: `input "${name}"`,
      expected: "a fed value",
      got: "none",
      todo: "feed every input of the graph",
    });
  },
};
