import { MsmaeError } from "../../support/errors.ts";
import type { Sample } from "../sample.ts";
import { type ClassTarget, classTargets } from "./class-target.ts";
import { type MaskTarget, type MaskTargetOptions, maskTargets } from "./mask-target.ts";
import type { TargetMaker } from "./target-maker.ts";
import { type ValuesTarget, valuesTargets } from "./values-target.ts";

/** What is to be told of the images of a batch. */
export type Target = ClassTarget | ValuesTarget | MaskTarget;

/** Which kind of targets a loader gives. */
export type TargetOptions = { kind: "class" } | { kind: "values" } | MaskTargetOptions;

/** @throws MsmaeError Data when samples lack what targets of this kind are made from. */
export function targetMaker({ kind }: TargetOptions, samples: readonly Sample[]): TargetMaker<Target> {
  switch (kind) {
    case "class":
      return classTargets;
    case "values":
      return valuesTargets(samples);
    case "mask":
      return maskTargets(samples);
  }
}

/**
 * A batch's targets, which are known to be of a kind.
 *
 * @throws MsmaeError Config when they are of another kind.
 */
export function targetOf<K extends Target["kind"]>({ target }: { target: Target }, kind: K): Target & { kind: K } {
  if (isOfKind(target, kind)) return target;
  throw new MsmaeError("Config", {
    where: "targets of a batch",
    expected: `kind "${kind}"`,
    got: `"${target.kind}"`,
    todo: `open the loader with target { kind: "${kind}" }`,
  });
}

function isOfKind<K extends Target["kind"]>(target: Target, kind: K): target is Target & { kind: K } {
  return target.kind === kind;
}
