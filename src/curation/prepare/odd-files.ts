import { MsmaeError } from "../../support/errors.ts";
import type { RunHooks } from "../../support/events.ts";
import type { LeftOut, OddFile, Preset } from "./types.ts";

/** At most this many files are named in one message; the manifest has all. */
const NAMED_FILES = 10;

/** What images that cannot be used are counted under, whatever is wrong with each. */
export const UNUSABLE = "cannot be used, see oddFiles";

/** Why a file is left out, for a list that has its name already. */
export function reasonOf({ parts: { where, expected, got } }: MsmaeError, name: string): string {
  const place = where.endsWith(name) ? "" : `${where}: `;
  return `${place}expected ${expected}, got ${got}`;
}

export function leftOutFile({ name, reason }: LeftOut): OddFile {
  return { name, reason, action: "left out" };
}

/** Says which files are left out or scaled. */
export function tellOdd({ oddFiles = [] }: { oddFiles?: readonly OddFile[] }, { onEvent }: RunHooks): void {
  if (oddFiles.length === 0) return;
  onEvent?.({ type: "warning", message: `${oddFiles.length} files are not as they should be: ${listed(oddFiles)}` });
}

/** @throws MsmaeError Data when there are any. */
export function refuseOdd(odd: readonly OddFile[]): void {
  const [first] = odd;
  if (first === undefined) return;
  const expected = "every file to be in order (strict)";
  const todo = "get the archives again from their source, or prepare the rest without --strict";
  throw new MsmaeError("Data", { where: first.name, expected, got: listed(odd), todo });
}

/** The error for archives of which nothing can be used. */
export function nothingLeft(preset: Preset, odd: readonly OddFile[]): MsmaeError {
  const got = `none; ${listed(odd)}`;
  const todo = "get the archives again from their source";
  return new MsmaeError("Data", { where: `preset ${preset.name}`, expected: "images that can be used", got, todo });
}

function listed(odd: readonly OddFile[]): string {
  const named = odd.slice(0, NAMED_FILES).map(({ name, reason, action }) => `${name} (${action}: ${reason})`);
  if (odd.length > NAMED_FILES) named.push(`and ${odd.length - NAMED_FILES} more`);
  return named.join(", ");
}
