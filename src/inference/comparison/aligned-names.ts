import { MsmaeError } from "../../support/errors.ts";
import { indexOfName } from "../outcomes/class-indices.ts";
import type { ComparedModel } from "./compared-model.ts";

/** Names that all models tell, in one order. */
export interface AlignedNames {
  /** Those of the model whose order is taken. */
  names: string[];
  /** [models][names] where each stands among a model's own. */
  places: number[][];
}

/**
 * The classes, findings or outlines of all models in the order of the first, of grades in that of the first model of grades.
 *
 * @param namesOf what a model tells, in the order of its outputs.
 * @throws MsmaeError Checkpoint where a model tells others, or has the grades in another order.
 */
export function alignedNames(
  models: readonly ComparedModel[],
  namesOf: (model: ComparedModel) => readonly string[] = ({ description }) => description.classNames,
): AlignedNames {
  const isGraded = ({ description }: ComparedModel): boolean => description.target?.kind === "grades";
  const reference = models.find(isGraded) ?? (models[0] as ComparedModel);
  const names = [...namesOf(reference)];
  const places = models.map((model) => {
    const own = namesOf(model);
    const found = names.map((name) => indexOfName(name, own));
    const inOrder = found.every((place, at) => place === at);
    if (own.length === names.length && !found.includes(-1) && (inOrder || !isGraded(model))) return found;
    throw new MsmaeError("Checkpoint", {
      where: model.path,
      expected: `the ${isGraded(model) ? "grades in their order" : "same"} as ${reference.path} (${names.join(", ")})`,
      got: own.join(", "),
      todo: "compare models that were trained to tell the same",
    });
  });
  return { names, places };
}
