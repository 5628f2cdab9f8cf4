import { toKebabCase } from "../../config/index.ts";
import { classifierKind } from "../../method/kinds/classifier.ts";
import type { ModelKind } from "../../method/kinds/kind.ts";
import { linearProbeKind } from "../../method/kinds/linear-probe.ts";
import { networkKinds } from "../../method/kinds/networks.ts";
import { modelKinds, registerModelKind } from "../../method/kinds/registry.ts";
import { segmenterKind } from "../../method/kinds/segmenter.ts";
import type { ModelTarget } from "../../method/kinds/target.ts";
import { MsmaeError } from "../../support/errors.ts";
import { classes } from "./classes.ts";
import { findings } from "./findings.ts";
import { grades } from "./grades.ts";
import { type MaskOptions, masks } from "./masks.ts";
import { number } from "./number.ts";
import type { Outcome } from "./outcome.ts";

/** How outputs are to be read and measured, where somebody asked: what not every kind of model takes. */
export type OutcomeOptions = MaskOptions;

/** Makes the meaning of a kind's outputs. @throws MsmaeError Config where something is asked that it does not take. */
type OutcomeMaker = (asked: OutcomeOptions, kind: ModelKind, target: ModelTarget | undefined) => Outcome;

/** What the outputs of each kind of model mean, by the kind's name. Kinds without one are a start for others only. */
const outcomes = new Map<string, OutcomeMaker>([
  [classifierKind.name, byTarget],
  [linearProbeKind.name, always(classes)],
  ...networkKinds.map(({ name }): [string, OutcomeMaker] => [name, byTarget]),
  [segmenterKind.name, masks],
]);

/** The kinds of model that can be measured and asked. */
export function kindsWithOutcome(): ModelKind[] {
  return modelKinds().filter(({ name }) => outcomes.has(name));
}

/**
 * What the outputs of a kind mean.
 *
 * @param target what its checkpoint says that they tell.
 * @throws MsmaeError Config where something is asked that the kind does not take; Error for a kind without outputs.
 */
export function outcomeOf(kind: ModelKind, asked: OutcomeOptions = {}, target?: ModelTarget): Outcome {
  const make = outcomes.get(kind.name);
  if (!make) throw new Error(`a model of kind "${kind.name}" has no outcome`);
  return make(asked, kind, target);
}

/** Adds a kind of model with the meaning of its outputs, for checkpoints of a library user's own. */
export function registerModel(kind: ModelKind, outcome: Outcome): void {
  registerModelKind(kind);
  outcomes.set(kind.name, always(outcome));
}

/** What the logits of whole images mean. */
function byTarget(asked: OutcomeOptions, kind: ModelKind, target: ModelTarget | undefined): Outcome {
  return always(outcomeOfTarget(target))(asked, kind, target);
}

function outcomeOfTarget(target: ModelTarget | undefined): Outcome {
  switch (target?.kind) {
    case undefined:
      return classes;
    case "findings":
      return findings();
    case "number":
      return number;
    case "grades":
      return grades;
  }
}

/** An outcome that takes no options. */
function always(outcome: Outcome): OutcomeMaker {
  return (asked, kind) => {
    const given = Object.entries(asked).find(([, value]) => value !== undefined);
    if (!given) return outcome;
    throw new MsmaeError("Config", {
      where: `--${toKebabCase(given[0])}`,
      expected: `a checkpoint of ${segmenterKind.title}, which outlines`,
      got: kind.title,
      todo: "leave it out, or use another checkpoint",
    });
  };
}
