import type { z } from "zod";
import type { Graph } from "../../engine/graph/graph.ts";
import type { ParameterSpec } from "../../engine/parameters/specs.ts";
import type { Feeds } from "../../engine/runtime/program.ts";
import type { Normalizer } from "../../images/transforms/normalize.ts";
import type { EncoderConfig, ImageModelConfig } from "../models/config.ts";

/** Turns images into what a forward graph is fed. */
export interface Feeder {
  /** Feeds of `batch` whole images, uint8 [at most batch, H, W, C]; what is missing to a full batch is zero. */
  whole(images: Uint8Array, batch: number): Feeds;
}

/** A forward pass in two parts, the second on the patches that the first found to matter. */
export interface BudgetedForward {
  /** Takes what the kind's feeder makes of whole images. */
  first: Graph;
  rest: SecondPart;
  /** Both parts as one graph, which chooses the patches itself. */
  whole(): Graph;
  /** Patches of each image that the second part runs on. */
  kept: number;
}

/** What runs on the outputs of another graph. */
export interface SecondPart {
  /** Gives the kind's outputs. */
  graph: Graph;
  feedsOf(outputs: Readonly<Record<string, Float32Array>>): Feeds;
}

/** What a model card says of every model of a kind. */
export interface CardFacts {
  /** The task in the Hugging Face hub's spelling. */
  pipelineTag: string;
  /** What it may be used for, a sentence. */
  use: string;
  /** What comes out, from the class names, which may be written as they are. */
  output(classNames: readonly string[]): string;
  /** Of the work that the model comes from, in BibTeX. Default: this method's paper. */
  citation?: string;
  /** What the model is built of, in the hub's spelling. Default: a vision transformer, as masked autoencoders are. */
  tags?: readonly string[];
}

/**
 * One kind of model: all that is known of it without an engine, data or files. `C` is its configuration, `F` what its
 * checkpoints say of it beside that, `P` the sizes that a preset's name stands for.
 */
export interface ModelKind<
  C extends ImageModelConfig = ImageModelConfig,
  F extends object = object,
  P extends object = object,
> {
  /** As its checkpoints call it. */
  readonly name: string;
  /** For messages: what it is, and what is expected where only this kind serves. */
  readonly title: string;
  readonly wanted: string;
  /** The command that writes its checkpoints. */
  readonly writtenBy: string;
  /** The configuration as it stands in a checkpoint; numbers that no model has are refused before memory is. */
  readonly config: z.ZodType<C>;
  /** What else a checkpoint of this kind says of itself. */
  readonly facts: z.ZodType<F>;
  readonly presets: Readonly<Record<string, P>>;
  /** Whether its classes are those of the class names. */
  readonly classifies: boolean;
  readonly card: CardFacts;
  /** The tensors, in checkpoint order: trainable, fixed, running statistics. @throws MsmaeError Config */
  specs(config: C): ParameterSpec[];
  /** The forward pass over whole images, for evaluation; absent where a kind is only a start for others. */
  forward?(config: C, batch: number): Graph;
  /** The same on part of the patches, `keepRatio` in (0, 1] of them; absent where a kind cannot. */
  budgeted?(config: C, options: { batch: number; keepRatio: number }): BudgetedForward;
  feeder(config: C, normalizer: Normalizer): Feeder;
  /** The Vision Transformer within it whose cls token's attention can be looked at; undefined where there is none. */
  encoder(config: C): EncoderConfig | undefined;
  /** Whether another program's vision transformer with these keys is of this kind. The first that says so is taken. */
  recognises(keys: ReadonlySet<string>): boolean;
}

/** The configuration type of a kind. */
export type ConfigOf<K> = K extends ModelKind<infer C, infer _F, infer _P> ? C : never;
/** What a kind's checkpoints say beside the configuration. */
export type FactsOf<K> = K extends ModelKind<infer _C, infer F, infer _P> ? F : never;
