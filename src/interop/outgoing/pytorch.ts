import { segmenterKind } from "../../method/kinds/segmenter.ts";
import { MsmaeError } from "../../support/errors.ts";
import { kindOf } from "../model-file.ts";
import { withBatchCounts } from "./batch-counts.ts";
import type { Destination } from "./outgoing.ts";

/** The segmenter of `examples/pytorch/segmenter.py`, under our keys; of what sizes its modules are stands beside them. */
export const toPyTorch: Destination = {
  name: "pytorch",
  depart({ where, description, tensors }) {
    const kind = kindOf(description);
    if (kind.name !== segmenterKind.name) {
      throw new MsmaeError("Checkpoint", {
        where,
        expected: segmenterKind.title,
        got: kind.title,
        todo: "use --to timm, mae or hf",
      });
    }
    return {
      tensors: withBatchCounts(tensors),
      dropped: [],
      beside: {},
      facts: { config: description.config },
      loads: "examples/pytorch/segmenter.py: load(path)",
    };
  },
};
