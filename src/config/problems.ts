import { type ErrorParts, MsmaeError } from "../support/errors.ts";

/** All that is wrong with a configuration, found in one pass. */
export class ConfigError extends MsmaeError {
  readonly problems: readonly ErrorParts[];

  constructor(problems: readonly [ErrorParts, ...ErrorParts[]]) {
    super("Config", problems.length === 1 ? problems[0] : summary(problems));
    this.problems = problems;
  }
}

function describeProblem(parts: ErrorParts): string {
  return `${parts.where}: expected ${parts.expected}, got ${parts.got}; ${parts.todo}`;
}

function summary(problems: readonly ErrorParts[]): ErrorParts {
  return {
    where: "configuration",
    expected: "valid options",
    got: `${problems.length} problems: ${problems.map((parts) => `[${describeProblem(parts)}]`).join(" ")}`,
    todo: "correct each of them",
  };
}

/** A value as an error message shows it, cut where it grows long. */
export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = jsonOf(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "a value that contains itself";
  }
}
