import { imagenetNormalization } from "../images/transforms/normalize.ts";
import type { ErrorParts } from "../support/errors.ts";
import { augmentationNotes, checkAugmentation } from "./augmentation-checks.ts";
import { checkLoss, checkMixing } from "./balance-checks.ts";
import {
  type Check,
  checkChannels,
  checkEpochs,
  checkModel,
  checkPatches,
  checkRandomRatio,
  checkRates,
  checkRatios,
  checkStart,
  type Known,
} from "./checks.ts";
import { choicesOf, expectationOf, infoOf, kindOf, type Shape } from "./fields.ts";
import type { FinetuneRequest } from "./finetune.ts";
import { defaultInputSize, presetsOf } from "./models.ts";
import { nearestName, toCamelCase, toKebabCase } from "./names.ts";
import type { PretrainRequest } from "./pretrain.ts";
import { ConfigError, showValue } from "./problems.ts";
import { completeFinetuneSchedule, completePretrainSchedule, firstRefreshEpoch, lengths } from "./schedule.ts";
import type { InputOf, OptionsOf, RunOptionsOf, VerbName } from "./verb.ts";
import { schemas } from "./verb.ts";
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

const shared = [checkPatches, checkChannels];
const training = [...shared, checkEpochs, checkRates, checkStart, checkAugmentation];
const checks: Readonly<Record<VerbName, readonly Check[]>> = {
  demo: [],
  pretrain: [checkModel("pretraining"), ...training, checkRatios(true), checkRandomRatio],
  finetune: [checkModel("classifier"), ...training, checkRatios(false), checkMixing, checkLoss],
  eval: [],
  predict: [],
  maps: [],
  reconstruct: [checkRatios(true)],
  flops: [checkModel("classifier"), ...shared, checkRatios(false)],
  inspect: [],
  "data show": [],
  "data check": [],
  "data anonymise": [],
  "data stats": [],
  "data split": [],
  "data prepare": [],
};

/**
 * Reads the options of a verb from a configuration file and flags. Names may be camelCase, kebab-case or snake_case.
 * @throws MsmaeError `Config`, a {@link ConfigError} that lists every problem found.
 */
export function resolveConfig<V extends VerbName>(verb: V, source: ConfigSource): OptionsOf<V> {
  const problems: ErrorParts[] = [];
  const fromFile = source.file === undefined ? {} : parseYamlMapping(source.file, source.fileName ?? "configuration");
  const shape: Shape = schemas[verb].shape;
  const given = {
    ...canonicalNames(verb, shape, fromFile, problems),
    ...fromText(shape, canonicalNames(verb, shape, source.flags ?? {}, problems)),
  };
  return resolve(verb, shape, given, problems);
}

/**
 * Fills in every default of a verb's options and checks them together. Resolved options resolve to themselves.
 * @throws MsmaeError `Config`, a {@link ConfigError} that lists every problem found.
 */
export function resolveOptions<V extends VerbName>(verb: V, input: InputOf<V> | OptionsOf<V>): OptionsOf<V> {
  const problems: ErrorParts[] = [];
  const shape: Shape = schemas[verb].shape;
  return resolve(verb, shape, canonicalNames(verb, shape, { ...input }, problems), problems);
}

/**
 * Fills in the options of a training run that a first look left open: the lengths of a run that goes on.
 *
 * @param begun the options that the run began with, by name; none for a new run.
 * @throws MsmaeError `Config`, a {@link ConfigError} that lists every problem found.
 */
export function resolveRun<V extends "pretrain" | "finetune">(
  verb: V,
  input: InputOf<V> | OptionsOf<V>,
  begun: Readonly<Record<string, unknown>> = {},
): RunOptionsOf<V> {
  const problems: ErrorParts[] = [];
  const shape: Shape = schemas[verb].shape;
  const kept = Object.fromEntries(lengths.filter((name) => name in shape).map((name) => [name, begun[name]]));
  const given = { ...kept, ...canonicalNames(verb, shape, { ...input }, problems) };
  return resolve(verb, shape, given, problems, true) as RunOptionsOf<V>;
}

/** What is allowed but may surprise, one sentence each. */
export function configNotes(verb: "pretrain" | "finetune", options: PretrainRequest | FinetuneRequest): string[] {
  const notes = augmentationNotes(options);
  if (verb === "finetune") return [...notes, ...balanceNotes(options as FinetuneRequest)];
  return [...notes, ...mapNotes(options as PretrainRequest)];
}

function mapNotes({ attentionStartEpoch, mapInterval, mapWarmupEpochs }: PretrainRequest): string[] {
  const lengthsKnown = attentionStartEpoch !== undefined && mapInterval !== undefined && mapWarmupEpochs !== undefined;
  if (!lengthsKnown || attentionStartEpoch === "never") return [];
  const first = firstRefreshEpoch(mapWarmupEpochs, mapInterval);
  if (attentionStartEpoch > first) return [];
  return [
    `attention-driven masking starts at epoch ${attentionStartEpoch}, but the first maps come at the end of epoch ${first}: until then every patch weighs the same`,
  ];
}

function balanceNotes({ sampling, classWeights }: FinetuneRequest): string[] {
  return sampling === "balanced" && classWeights === "balanced"
    ? [
        "rare classes are both shown more often and given more weight: balancing them twice favours them over the others",
      ]
    : [];
}

function resolve<V extends VerbName>(
  verb: V,
  shape: Shape,
  given: Readonly<Record<string, unknown>>,
  problems: ErrorParts[],
  whole = false,
): OptionsOf<V> {
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const result = schema.safeParse(given[name]);
    if (!result.success) problems.push(fieldProblem(name, schema, given[name]));
    else if (result.data !== undefined) values[name] = result.data;
  }
  complete(verb, values as Known, whole);
  for (const check of checks[verb]) problems.push(...check(values as Known));
  const [first, ...rest] = problems;
  if (first !== undefined) throw new ConfigError([first, ...rest]);
  // Every field of the schema has just been parsed, and `complete` has filled in the derived ones.
  return values as OptionsOf<V>;
}

/** Fills in defaults that depend on other fields; the lengths of a run that goes on only where it is to be `whole`. */
function complete(verb: VerbName, options: Known, whole: boolean): void {
  if (verb !== "pretrain" && verb !== "finetune" && verb !== "flops") return;
  const preset = presetsOf(verb === "pretrain" ? "pretraining" : "classifier")[options.model ?? ""];
  options.patchSize ??= preset?.patchSize;
  options.inputSize ??= { height: defaultInputSize, width: defaultInputSize };
  if (verb === "flops") return;
  const { mean, std } = imagenetNormalization(options.inChans === 1 ? 1 : 3);
  options.mean ??= [...mean];
  options.std ??= [...std];
  // Fine-tuning without a checkpoint is asked for by name, since forgetting it would cost accuracy silently.
  options.init ??=
    options.finetune !== undefined || (verb === "finetune" && !options.resume) ? "checkpoint" : "scratch";
  if (options.resume !== undefined && !whole) return;
  if (verb === "pretrain") completePretrainSchedule(options);
  else completeFinetuneSchedule(options);
}

/** Known fields under their own names; unknown ones and names given twice become problems. */
function canonicalNames(
  verb: VerbName,
  shape: Shape,
  given: Readonly<Record<string, unknown>>,
  problems: ErrorParts[],
): Record<string, unknown> {
  const names = new Map<string, string>();
  for (const [name, schema] of Object.entries(shape)) {
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
