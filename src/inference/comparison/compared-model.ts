import { resolve } from "node:path";
import type { CompareOptions } from "../../config/index.ts";
import { describeModelFile, kindOf, type ModelDescription } from "../../interop/model-file.ts";
import type { ModelKind } from "../../method/kinds/kind.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { Gathered, Outcome, Tells } from "../outcomes/outcome.ts";
import { kindsWithOutcome, outcomeOf } from "../outcomes/registry.ts";
import { checkKind } from "../session.ts";
import { modelNames } from "./model-names.ts";

/** One of the models that are compared, before it is opened. */
export interface ComparedModel {
  /** Its own among those compared. */
  name: string;
  /** Of its checkpoint. */
  path: string;
  kind: ModelKind;
  description: ModelDescription;
  outcome: Outcome;
}

/** What one of the models said of the images that all of them could read. */
export interface Answered<R extends Gathered = Gathered> extends ComparedModel {
  result: R;
  /** [cases] where in the result each of those images stands, in one order for all models. */
  at: readonly number[];
}

/**
 * What checkpoints say of themselves, without reading their weights.
 *
 * @throws MsmaeError Config for a checkpoint that is named twice; Checkpoint when one is damaged, or has no outputs.
 */
export async function describeModels(options: CompareOptions): Promise<ComparedModel[]> {
  const { checkpoints } = options;
  const twice = checkpoints.find((path, at) => checkpoints.findIndex((other) => resolve(other) === resolve(path)) < at);
  if (twice !== undefined) {
    const [where, expected, todo] = ["checkpoints", "different files", "name each model once"];
    throw new MsmaeError("Config", { where, expected, got: `${twice} twice`, todo });
  }
  const names = modelNames(checkpoints);
  const models: ComparedModel[] = [];
  for (const [at, path] of checkpoints.entries()) {
    const { description } = await describeModelFile(path);
    const kind = kindOf(description);
    checkKind(path, kind, kindsWithOutcome());
    const { windowOverlap, threshold, emptyMasks, surface, tolerance } = options;
    const asked = { windowOverlap, threshold, emptyMasks, surface, tolerance };
    const outcome = outcomeOf(kind, asked, description.target);
    models.push({ name: names[at] as string, path, kind, description, outcome });
  }
  return models;
}

/** What models tell, in words. */
const WORDS: Record<Tells, string> = {
  classes: "one class of an image",
  findings: "findings of an image",
  number: "one number of an image",
  masks: "outlines",
};

/**
 * What all models tell.
 *
 * @throws MsmaeError Checkpoint where they do not tell the same, or what nobody can compare.
 */
export function toldByAll(models: readonly ComparedModel[]): Tells {
  const [first] = models as [ComparedModel];
  const other = models.find(({ outcome }) => outcome.tells === undefined || outcome.tells !== first.outcome.tells);
  if (other === undefined) return first.outcome.tells as Tells;
  const { tells } = first.outcome;
  throw new MsmaeError("Checkpoint", {
    where: other.path,
    expected:
      tells === undefined
        ? `a model of ${Object.values(WORDS).join(", ")}`
        : `a model of ${WORDS[tells]}, as ${first.path} is`,
    got: other.outcome.tells === undefined ? other.kind.title : `one of ${WORDS[other.outcome.tells]}`,
    todo: "compare models that tell the same",
  });
}
