import type { NetworkKind } from "./network.ts";
import { resnetKind } from "./resnet.ts";
import { swinKind } from "./swin.ts";

/** The kinds of network that fine-tuning trains beside vision transformers. */
export const networkKinds: readonly NetworkKind[] = [resnetKind, swinKind];

/** The kind of network that a model's name stands for; undefined for a vision transformer's or an unknown name. */
export function networkKindOf(model: string | undefined): NetworkKind | undefined {
  return networkKinds.find(({ presets }) => model !== undefined && Object.hasOwn(presets, model));
}

/** Networks by name, of every kind. */
export const networkPresets: Readonly<Record<string, { patchSize?: number }>> = Object.assign(
  {},
  ...networkKinds.map(({ presets }) => presets),
);
