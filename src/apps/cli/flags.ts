import { type Command, Option } from "commander";
import { choicesOf, defaultOf, infoOf, isRequired, kindOf, type Shape } from "../../config/fields.ts";
import { toCamelCase, toKebabCase } from "../../config/names.ts";

/** Adds a flag for every field of an options schema, so that flags, defaults and help cannot drift from it. */
export function addFlags(command: Command, shape: Shape): void {
  for (const [name, schema] of Object.entries(shape)) {
    const { positional, aliases = [] } = infoOf(schema);
    if (positional) {
      const kind = kindOf(schema);
      // Declared optional here, so that a missing one is reported together with every other problem.
      const placeholder = (infoOf(schema).placeholder ?? name).toUpperCase();
      command.argument(kind === "strings" ? `[${placeholder}...]` : `[${placeholder}]`, infoOf(schema).description);
      continue;
    }
    for (const spelling of [name, ...aliases]) {
      for (const option of optionsFor(toKebabCase(spelling), schema)) {
        command.addOption(spelling === name ? option : option.hideHelp());
      }
    }
  }
}

function optionsFor(flag: string, schema: Shape[string]): Option[] {
  const text = helpText(schema);
  if (kindOf(schema) !== "boolean") return [new Option(`--${flag} <${placeholderOf(schema)}>`, text)];
  // The hidden negative switches off what a configuration file switched on.
  return [new Option(`--${flag}`, text), new Option(`--no-${flag}`).hideHelp()];
}

function placeholderOf(schema: Shape[string]): string {
  const { placeholder } = infoOf(schema);
  if (placeholder !== undefined) return placeholder;
  const kind = kindOf(schema);
  if (kind === "choice") return choicesOf(schema).join("|");
  return kind === "integer" || kind === "number" ? "n" : "text";
}

function helpText(schema: Shape[string]): string {
  const { description, defaultText } = infoOf(schema);
  const value = defaultOf(schema);
  if (defaultText !== undefined) return `${description} (default: ${defaultText})`;
  if (isRequired(schema)) return `${description} (required)`;
  return value === undefined || value === false ? description : `${description} (default: ${String(value)})`;
}

/** The flags that were given, and the plain arguments under the name of their field. */
export function givenFlags(command: Command, shape: Shape): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(command.opts<Record<string, unknown>>())) given[name] = value;
  let next = 0;
  for (const [name, schema] of Object.entries(shape)) {
    if (!infoOf(schema).positional || command.args.length <= next) continue;
    // A list takes all that is left.
    given[name] = kindOf(schema) === "strings" ? command.args.slice(next) : command.args[next++];
  }
  return given;
}

/** `--mask_ratio=0.5` to `--mask-ratio=0.5`, up to a bare `--`: Python's spelling of a flag works as well. */
export function normaliseFlags(argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  const limit = end < 0 ? argv.length : end;
  return argv.map((argument, index) => {
    if (index >= limit || !argument.startsWith("--")) return argument;
    const [, name = "", rest = ""] = /^--([^=]*)(.*)$/s.exec(argument) ?? [];
    return `--${name.includes("_") ? toKebabCase(toCamelCase(name)) : name}${rest}`;
  });
}
