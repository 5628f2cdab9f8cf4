import { classifierKind } from "./classifier.ts";
import { encoderKind } from "./encoder.ts";
import type { ModelKind } from "./kind.ts";
import { linearProbeKind } from "./linear-probe.ts";
import { networkKinds } from "./networks.ts";
import { pretrainedKind } from "./pretrained.ts";
import { segmenterKind } from "./segmenter.ts";

/** Every kind of model that checkpoints may hold. Those before are recognised before those after. */
const kinds: ModelKind[] = [
  ...networkKinds,
  pretrainedKind,
  classifierKind,
  segmenterKind,
  linearProbeKind,
  encoderKind,
];

/** The kinds of model that there are. */
export function modelKinds(): readonly ModelKind[] {
  return kinds;
}

/** The kind that checkpoints call by this name; undefined where there is none. */
export function modelKindNamed(name: string): ModelKind | undefined {
  return kinds.find((kind) => kind.name === name);
}

/** Adds a kind of a library user's own to those that checkpoints may hold. @throws Error for a name that is taken. */
export function registerModelKind(kind: ModelKind): void {
  if (modelKindNamed(kind.name)) throw new Error(`there is a kind of model "${kind.name}" already`);
  kinds.push(kind);
}
