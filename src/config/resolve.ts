import type { z } from "zod";
import type { ErrorParts } from "../support/errors.ts";
import { choicesOf, expectationOf, infoOf, kindOf, type Shape } from "./fields.ts";
import { nearestName, toCamelCase, toKebabCase } from "./names.ts";
import { ConfigError, showValue } from "./problems.ts";
import type { AnyVerb, InputOf, OptionsOf, RunOptionsOf } from "./verb.ts";
import { parseYamlMapping } from "./yaml.ts";

/** Where options come from; flags win over the file. */
export interface ConfigSource {
  /** Text of a YAML file whose keys are option names. */
  file?: string;
  /** Name of that file for messages. */
  fileName?: string;
  /** Texts of flags by name, or true and false for switches. */
  flags?: Readonly<Record<string, unknown>>;
}

/**
 * Reads the options of a verb from a configuration file and flags. Names may be camelCase, kebab-case or snake_case.
 * @throws MsmaeError `Config`, a {@link ConfigError} that lists every problem found.
 */
export function resolveConfig<V extends AnyVerb>(verb: V, source: ConfigSource): OptionsOf<V> {
  const problems: ErrorParts[] = [];
  const fromFile = source.file === undefined ? {} : parseYamlMapping(source.file, source.fileName ?? "configuration");
  const given = {
    ...canonicalNames(verb, fromFile, problems),
    ...fromText(verb.schema.shape, canonicalNames(verb, source.flags ?? {}, problems)),
  };
  return resolve(verb, given, problems, false) as OptionsOf<V>;
}

/**
 * Fills in every default of a verb's options and checks them together. Resolved options resolve to themselves.
 * @throws MsmaeError `Config`, a {@link ConfigError} that lists every problem found.
 */
export function resolveOptions<V extends AnyVerb>(verb: V, input: InputOf<V> | OptionsOf<V>): OptionsOf<V> {
  const problems: ErrorParts[] = [];
  return resolve(verb, canonicalNames(verb, { ...input }, problems), problems, false) as OptionsOf<V>;
}

/**
 * Fills in the options of a run that a first look left open: its recipe, and the lengths of one that goes on.
 *
 * @param begun the options that the run began with, by name; of a new run its recipe.
 * @throws MsmaeError `Config`, a {@link ConfigError} that lists every problem found.
 */
export function resolveRun<V extends AnyVerb>(
  verb: V,
  input: InputOf<V> | OptionsOf<V>,
  begun: Readonly<Record<string, unknown>> = {},
): RunOptionsOf<V> {
  const problems: ErrorParts[] = [];
  const names = [...(verb.settled ?? []), ...(verb.inherited ?? [])];
  const kept = Object.fromEntries(names.map((name) => [name, begun[name]]));
  const given = { ...kept, ...canonicalNames(verb, { ...input }, problems) };
  return resolve(verb, given, problems, true) as RunOptionsOf<V>;
}

/** What is allowed but may surprise, one sentence each. */
export function configNotes<V extends AnyVerb>(verb: V, options: OptionsOf<V>): string[] {
  return verb.notes?.(options) ?? [];
}

/** Every field parsed, and those that depend on others filled in, so that what comes has the verb's own type. */
function resolve(
  verb: AnyVerb,
  given: Readonly<Record<string, unknown>>,
  problems: ErrorParts[],
  whole: boolean,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const shape: Shape = verb.schema.shape;
  for (const [name, schema] of Object.entries(shape)) {
    const result = schema.safeParse(given[name]);
    if (!result.success) problems.push(fieldProblem(name, schema, given[name]));
    else if (result.data !== undefined) values[name] = result.data;
  }
  verb.complete?.(values, whole);
  for (const check of verb.checks ?? []) problems.push(...check(values));
  const [first, ...rest] = problems;
  if (first !== undefined) throw new ConfigError([first, ...rest]);
  const open = [...(verb.derived ?? []), ...((whole && verb.settled) || [])].filter((name) => !(name in values));
  if (open.length > 0) throw new Error(`msmae ${verb.name} leaves open ${open.join(", ")}`);
  return values;
}

/** Known fields under their own names; unknown ones and names given twice become problems. */
function canonicalNames(
  { name: verb, schema: { shape } }: AnyVerb,
  given: Readonly<Record<string, unknown>>,
  problems: ErrorParts[],
): Record<string, unknown> {
  const names = new Map<string, string>();
  for (const [name, schema] of Object.entries<z.ZodType>(shape)) {
    for (const spelling of [name, ...(infoOf(schema).aliases ?? [])]) names.set(spelling, name);
  }
  const values: Record<string, unknown> = {};
  for (const [spelling, value] of Object.entries(given)) {
    const name = names.get(toCamelCase(spelling));
    if (value === undefined || value === null) continue;
    if (name === undefined) {
      const meant = nearestName(spelling, names.keys());
      problems.push({
        where: spelling,
        expected: `an option of msmae ${verb}`,
        got: "an unknown name",
        todo: meant === undefined ? `see msmae ${verb} --help for all of them` : `did you mean ${meant}?`,
      });
    } else if (name in values) {
      problems.push({ where: name, expected: "one value", got: "two spellings of it", todo: "leave out one of them" });
    } else {
      values[name] = value;
    }
  }
  return values;
}

/** Turns the texts of flags into the values their fields take; what cannot be read stays text and fails later. */
function fromText(shape: Shape, flags: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(flags)) {
    const schema = shape[name];
    values[name] = schema === undefined || typeof value !== "string" ? value : readText(kindOf(schema), value);
  }
  return values;
}

function readText(kind: ReturnType<typeof kindOf>, text: string): unknown {
  const number = (part: string): number | string =>
    /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(part) ? Number(part) : part;
  switch (kind) {
    case "integer":
    case "number":
    case "text":
      return number(text.trim());
    case "numbers":
      return text
        .split(/[\s,]+/)
        .filter((part) => part !== "")
        .map(number);
    case "strings":
      return text.split(",").map((part) => part.trim());
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    default:
      return text;
  }
}

function fieldProblem(name: string, schema: Shape[string], value: unknown): ErrorParts {
  const expected = expectationOf(schema);
  const { positional, placeholder } = infoOf(schema);
  const spelling = positional ? `${(placeholder ?? name).toUpperCase()} after the verb` : `--${toKebabCase(name)}`;
  if (value === undefined) {
    return { where: name, expected, got: "nothing", todo: `give ${spelling}, or ${name} in a configuration file` };
  }
  const meant = typeof value === "string" ? nearestName(value, choicesOf(schema)) : undefined;
  const todo =
    meant === undefined ? `correct ${spelling}, or ${name} in the configuration file` : `did you mean ${meant}?`;
  return { where: name, expected, got: showValue(value), todo };
}
