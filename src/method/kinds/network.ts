import { z } from "zod";
import type { ImageModelConfig } from "../models/config.ts";
import { type Network, networkGraph } from "../models/network.ts";
import { size } from "./encoder-schema.ts";
import type { ModelKind } from "./kind.ts";

/** What fine-tuning must know of a kind of network beside what holds for every kind of model. */
export interface NetworkKind<C extends ImageModelConfig = ImageModelConfig, P extends object = object>
  extends ModelKind<C, object, P> {
  readonly network: Network<C>;
  /** Whether training may skip blocks (drop path). */
  readonly skips: boolean;
  /** The blocks that it may skip. */
  blocks(config: C): number;
  /** Whether a tensor of rank 2 and more decays. */
  decays(name: string): boolean;
  /** The layer that gives the logits, as its keys begin. */
  readonly head: string;
  /** The model's key for one of other programs' checkpoints, which have `keys`; undefined for what is no weight. */
  rename(key: string, keys: ReadonlySet<string>): string | undefined;
}

/** What is particular to a kind of network. */
export type NetworkFacts<C extends ImageModelConfig, P extends object> = Pick<
  NetworkKind<C, P>,
  | "name"
  | "title"
  | "config"
  | "presets"
  | "network"
  | "skips"
  | "blocks"
  | "decays"
  | "head"
  | "rename"
  | "feeder"
  | "recognises"
> & { citation: string; tags: readonly string[] };

/** A kind of network that sees images whole: it classifies, and has no vision transformer whose attention could be shown. */
export function networkKind<C extends ImageModelConfig, P extends object>(
  facts: NetworkFacts<C, P>,
): NetworkKind<C, P> {
  const { citation, tags, ...parts } = facts;
  return {
    ...parts,
    wanted: "a classifier",
    writtenBy: "msmae finetune",
    facts: z.object({}),
    classifies: true,
    card: {
      pipelineTag: "image-classification",
      use: "Research on image classification: a network to compare others with, teaching.",
      output: (classNames) => `one probability per class: ${classNames.join(", ")}`,
      citation,
      tags,
    },
    specs: (config) => parts.network.specs(config),
    forward: (config, batch) => networkGraph(parts.network, config, batch),
    encoder: () => undefined,
  };
}

/** The image and the classes, as they stand in checkpoints of every network. */
export const imageShape = { inputHeight: size, inputWidth: size, inChans: size, numClasses: size };
