import {
  add,
  concat,
  exp,
  log,
  mul,
  neg,
  relu,
  scalar,
  sigmoid,
  softmax,
  split,
  sub,
} from "../engine/graph/builders.ts";
import { type Graph, graph } from "../engine/graph/graph.ts";
import type { Value } from "../engine/graph/types.ts";
import type { ModelDescription } from "../interop/model-file.ts";
import type { ModelKind } from "../method/kinds/kind.ts";
import { segmenterKind } from "../method/kinds/segmenter.ts";
import { type SegmenterConfig, segmenterGraph } from "../method/models/segmenter.ts";
import { maskProbabilities } from "../method/nn/segmentation-losses.ts";
import { budgetedOf } from "./session.ts";

/** What is to be known of a model: its sizes, and what its outputs mean. */
type Described = Pick<ModelDescription, "config" | "target" | "temperature">;

/**
 * A model's forward pass over whole images with what its outputs mean, as the outcomes compute it in float64:
 * - classes and grades: `logits`, and `probabilities` [batch, classes], by the checkpoint's temperature;
 * - findings: `logits`, and `probabilities` [batch, findings], each by itself;
 * - a number: `logits`, and `value` [batch, 1] in its own unit;
 * - masks: `logits` and `probabilities` [batch, outputs, H, W] of the input's size, one output where there are two classes;
 * - an encoder: `features` [batch, D].
 *
 * @param keepRatio share of the patches that all but the first blocks run on; all of them where it is undefined.
 * @throws MsmaeError Config for a budget of a kind that has none.
 */
export function meaningGraph(kind: ModelKind, described: Described, batch: number, keepRatio?: number): Graph {
  const budgeted = keepRatio === undefined ? undefined : budgetedOf(kind, described.config, { batch, keepRatio });
  if (kind.name === segmenterKind.name) {
    // The kind's name says whose configuration it is.
    const config = described.config as SegmenterConfig;
    const { inputHeight: height, inputWidth: width } = config;
    const logits = outputOf(segmenterGraph(config, { batch, size: { height, width } }), "logits") as Value;
    return graph("segment", { logits, probabilities: maskProbabilities(logits) });
  }
  const forward = budgeted ? budgeted.whole() : kind.forward?.(described.config, batch);
  if (!forward) throw new Error(`a model of kind "${kind.name}" has no outputs`);
  const logits = outputOf(forward, "logits");
  return logits ? graph(forward.name, { logits, ...meaning(logits, described) }) : forward;
}

function outputOf({ outputs }: Graph, name: string): Value | undefined {
  return outputs.get(name);
}

function meaning(logits: Value, { target, temperature }: Described): Record<string, Value> {
  switch (target?.kind) {
    case "findings":
      return { probabilities: sigmoid(logits) };
    case "number":
      return { value: add(mul(logits, scalar(target.deviation)), scalar(target.mean)) };
    case "grades":
      return { probabilities: softmax(mul(gradeLogits(logits), scalar(1 / (temperature ?? 1)))) };
    case undefined:
      return { probabilities: softmax(mul(logits, scalar(1 / (temperature ?? 1)))) };
  }
}

/** [batch, grades − 1] to [batch, grades]: the logarithms of the grades' probabilities, whose softmax these are. */
function gradeLogits(logits: Value): Value {
  const [, steps] = logits.shape as [number, number];
  const told: Value[] = [];
  let reached: Value | undefined;
  const then = (more: Value) => (reached ? add(reached, more) : more);
  for (const further of split(logits, new Array<number>(steps).fill(1), 1)) {
    told.push(then(logSigmoid(neg(further))));
    reached = then(logSigmoid(further));
  }
  return concat([...told, reached as Value], 1);
}

/** log(1 / (1 + e^−x)), without overflow. */
function logSigmoid(x: Value): Value {
  const [above, below] = [relu(x), relu(neg(x))];
  return neg(add(below, log(add(exp(sub(neg(above), below)), scalar(1)))));
}
