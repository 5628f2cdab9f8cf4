import { z } from "zod";

/** What the command line and the configuration file need to know of a field beyond its type. */
export interface FieldInfo {
  /** One sentence, with the unit. */
  description: string;
  /** Shown in help where the default depends on other fields. */
  defaultText?: string;
  /** What a valid value is, where the type alone does not say it. */
  expected?: string;
  /** The name of the value in help, for example `file`. */
  placeholder?: string;
  /** Other names by which users know the field, in camelCase. */
  aliases?: readonly string[];
  /** Given as plain arguments instead of a flag. */
  positional?: boolean;
}

/** How the text of a flag becomes a value. */
export type FieldKind = "boolean" | "integer" | "number" | "string" | "choice" | "numbers" | "strings" | "text";

export type Shape = Readonly<Record<string, z.ZodType>>;

const infos = z.registry<FieldInfo>();

/** Attaches its description to a field of an options schema. */
export function field<S extends z.ZodType>(
  schema: S,
  description: string,
  info: Omit<FieldInfo, "description"> = {},
): S {
  infos.add(schema, { description, ...info });
  return schema;
}

/** @throws Error when a schema was not made by {@link field}: a mistake in this package, not in its use. */
export function infoOf(schema: z.ZodType): FieldInfo {
  const info = infos.get(schema);
  if (info === undefined) throw new Error("an options field has no description");
  return info;
}

/** The schema inside defaults and optionals. */
function inner(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return inner(schema.unwrap() as z.ZodType);
  return schema;
}

export function kindOf(schema: z.ZodType): FieldKind {
  const type = inner(schema);
  if (type instanceof z.ZodBoolean) return "boolean";
  if (type instanceof z.ZodNumber) return type.format === null ? "number" : "integer";
  if (type instanceof z.ZodEnum) return "choice";
  if (type instanceof z.ZodArray) return type.element instanceof z.ZodNumber ? "numbers" : "strings";
  return type instanceof z.ZodString ? "string" : "text";
}

/** The values of a choice, empty for other fields. */
export function choicesOf(schema: z.ZodType): string[] {
  const type = inner(schema);
  return type instanceof z.ZodEnum ? type.options.map(String) : [];
}

/** The value taken when nothing is given, or undefined. */
export function defaultOf(schema: z.ZodType): unknown {
  const result = schema.safeParse(undefined);
  return result.success ? result.data : undefined;
}

export function isRequired(schema: z.ZodType): boolean {
  return !schema.safeParse(undefined).success;
}

/** What a valid value of the field is, in words for the "expected" part of an error. */
export function expectationOf(schema: z.ZodType): string {
  const { expected } = infoOf(schema);
  if (expected !== undefined) return expected;
  const type = inner(schema);
  switch (kindOf(schema)) {
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${choicesOf(schema).join(", ")}`;
    case "numbers":
      return "a list of numbers";
    case "strings":
      return "a list of file names";
    case "string":
    case "text":
      return textExpectation(infoOf(schema).placeholder);
    case "integer":
      return numberExpectation("a whole number", type as z.ZodNumber);
    case "number":
      return numberExpectation("a number", type as z.ZodNumber);
  }
}

function textExpectation(placeholder: string | undefined): string {
  if (placeholder === "dir") return "a folder";
  return placeholder === "file" || placeholder === "path" ? `a ${placeholder}` : "text";
}

function numberExpectation(noun: string, type: z.ZodNumber): string {
  const parts: string[] = [];
  const { minValue, maxValue } = type;
  // Zod bounds every integer by the safe range; such a bound tells the reader nothing.
  if (minValue !== null && minValue > Number.MIN_SAFE_INTEGER) {
    parts.push(`${type.safeParse(minValue).success ? "of at least" : "above"} ${minValue}`);
  }
  if (maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER) {
    parts.push(`${type.safeParse(maxValue).success ? "at most" : "below"} ${maxValue}`);
  }
  return parts.length === 0 ? noun : `${noun} ${parts.join(" and ")}`;
}
