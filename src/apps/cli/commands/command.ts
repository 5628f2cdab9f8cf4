import type { AnyVerb, OptionsOf } from "../../../config/index.ts";
import type { RunHooks } from "../../../support/events.ts";
import type { Output } from "../output.ts";
import type { FileFailure, Verbs } from "../verbs.ts";

/** One verb of the command line. Its flags and help come from the schema of its options. */
export interface VerbCommand<V extends AnyVerb> {
  verb: V;
  /** One sentence for the list of verbs. */
  summary: string;
  /** Arguments of an example, without the program's name. */
  example: string;
  /** Further text under the help, where a flag alone does not say enough. */
  notes?: string;
  run(options: OptionsOf<V>, context: CommandContext): Promise<void>;
}

export interface CommandContext {
  verbs: Verbs;
  hooks: RunHooks;
  output: Output;
  /** Ends with this exit code although a result was written. */
  setExitCode(code: number): void;
}

/** Ends a verb whose data has faults. */
export const dataExitCode = 3;

/** What people call a picture: its file, and the slice where the file holds several. */
export function nameOf({ path, slice }: { path: string; slice?: number }): string {
  return slice === undefined ? path : `${path} slice ${slice}`;
}

/**
 * Writes a line per file as it comes. A file that failed has a line too and does not end the run; only when none
 * could be read does the command end as for unreadable data.
 */
export async function writeLines<T extends { path: string; slice?: number }>(
  lines: AsyncIterable<T | FileFailure>,
  context: CommandContext,
  describe: (line: T) => string,
): Promise<void> {
  let total = 0;
  let failed = 0;
  for await (const line of lines) {
    total++;
    if ("error" in line) {
      failed++;
      const { error } = line as FileFailure;
      await context.output.write(line, [`${nameOf(line)}  error[${error.code}]: ${error.message}`]);
    } else {
      await context.output.write(line, [describe(line as T)]);
    }
  }
  if (total > 0 && failed === total) context.setExitCode(dataExitCode);
}
