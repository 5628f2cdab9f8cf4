import { classifierKind } from "../../method/kinds/classifier.ts";
import type { ModelKind } from "../../method/kinds/kind.ts";
import { modelKinds, registerModelKind } from "../../method/kinds/registry.ts";
import { classes } from "./classes.ts";
import type { Outcome } from "./outcome.ts";

/** What the outputs of each kind of model mean, by the kind's name. Kinds without one are a start for others only. */
const outcomes = new Map<string, Outcome>([[classifierKind.name, classes]]);

/** The kinds of model that can be measured and asked. */
export function kindsWithOutcome(): ModelKind[] {
  return modelKinds().filter(({ name }) => outcomes.has(name));
}

/** What the outputs of a kind mean. @throws Error for a kind without outputs of its own. */
export function outcomeOf({ name }: ModelKind): Outcome {
  const outcome = outcomes.get(name);
  if (!outcome) throw new Error(`a model of kind "${name}" has no outcome`);
  return outcome;
}

/** Adds a kind of model with the meaning of its outputs, for checkpoints of a library user's own. */
export function registerModel(kind: ModelKind, outcome: Outcome): void {
  registerModelKind(kind);
  outcomes.set(kind.name, outcome);
}
