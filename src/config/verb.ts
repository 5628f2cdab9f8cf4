import type { z } from "zod";
import type { ErrorParts } from "../support/errors.ts";

/**
 * Finds what fields contradict about each other; it passes over those that are missing. Taken from a method, so that a
 * list of verbs may hold them all.
 */
export type Check<Options> = { find(options: Options): ErrorParts[] }["find"];

/** `T` in which the fields `K` are filled in. */
type Filled<T, K extends PropertyKey> = Omit<T, K> & { [P in K & keyof T]-?: Exclude<T[P], undefined> };

/**
 * All that is to be known of one verb's options: flags, help, defaults, configuration files, checks and types are made
 * from it.
 */
export interface VerbOptions<S extends z.ZodObject, Derived extends string, Settled extends string> {
  /** As people type it, `data show` for one of a group. */
  readonly name: string;
  /** Each field made by {@link field}. */
  readonly schema: S;
  /** Fields without a default of their own, which {@link VerbOptions.complete} fills in. */
  readonly derived?: readonly Derived[];
  /**
   * Those of them that are settled as a run begins, not before: how long it and its parts are, and what its recipe decides.
   * A run that goes on keeps those that are not given.
   */
  readonly settled?: readonly Settled[];
  /** Fields that may stay open, which a run takes over from what it begins with as if they were settled. */
  readonly inherited?: readonly (keyof z.output<S> & string)[];
  /** Names of models that training from a checkpoint may be of. */
  readonly models?: readonly string[];
  /**
   * Fills in defaults that depend on other fields. Each field that stands there is valid on its own, others may be
   * missing.
   *
   * @param whole also what is settled as a run begins.
   */
  complete?(options: Partial<z.output<S>>, whole: boolean): void;
  readonly checks?: readonly Check<Partial<z.output<S>>>[];
  /** What is allowed but may surprise, one sentence each. */
  notes?(options: Filled<z.output<S>, Derived>): string[];
}

/** The options of some verb. */
export type AnyVerb = VerbOptions<z.ZodObject, string, string>;

/** Describes a verb's options; names of fields are checked against its schema. */
export function verbOptions<
  S extends z.ZodObject,
  Derived extends keyof z.output<S> & string = never,
  Settled extends keyof z.output<S> & string = never,
>(verb: VerbOptions<S, Derived, Settled>): VerbOptions<S, Derived, Settled> {
  return verb;
}

type ReadonlyList<T> = T extends (infer Item)[] ? readonly Item[] : T;

/** What a caller may give: every field with a default may be left out. */
export type InputOf<V extends AnyVerb> = {
  [Name in keyof z.input<V["schema"]>]: ReadonlyList<z.input<V["schema"]>[Name]>;
};
/** What a verb works with: every default is filled in, save what is settled as a run begins. */
export type OptionsOf<V extends AnyVerb> = Filled<z.output<V["schema"]>, NonNullable<V["derived"]>[number]>;
/** The options of a run with nothing left open. */
export type RunOptionsOf<V extends AnyVerb> = Filled<
  z.output<V["schema"]>,
  NonNullable<V["derived"]>[number] | NonNullable<V["settled"]>[number]
>;
