import { type AnyVerb, type ConfigSource, type OptionsOf, resolveConfig } from "../../config/index.ts";
import type { FileFailure } from "../../inference/read-files.ts";
import type { RunHooks } from "../../support/events.ts";
import type { Output } from "./output.ts";

/** What help says of a verb. Flags, defaults and the name come from its options. */
interface Described<V extends AnyVerb> {
  options: V;
  /** One sentence for the list of verbs. */
  summary: string;
  /** Arguments of an example, without the program's name. */
  example: string;
  /** Further text under the help, where a flag alone does not say enough. */
  notes?: string;
}

/** A verb that ends with one result. */
export interface ResultVerb<V extends AnyVerb, R extends object> extends Described<V> {
  /** The library's function, loaded when it is called, so that `--help` and a mistyped flag are answered at once. */
  run(options: OptionsOf<V>, hooks: RunHooks): Promise<R>;
  /** The result for people, a line each. */
  view(result: NoInfer<R>): readonly string[];
  /** Ends with this exit code although there is a result. */
  exitCode?(result: NoInfer<R>, options: OptionsOf<V>): number;
}

/** What is said of one picture of the files given. */
interface FileLine {
  path: string;
  /** Frame, page or slice of a file that holds several. */
  slice?: number;
}

/** A verb that writes a line per file as it comes. */
export interface FilesVerb<V extends AnyVerb, L extends FileLine> extends Described<V> {
  /** As {@link ResultVerb.run}. A file that fails has a line too and does not end the run. */
  run(options: OptionsOf<V>, hooks: RunHooks): AsyncIterable<L | FileFailure>;
  /** What people read behind the file's name. */
  view(line: NoInfer<L>): string;
}

export interface CommandContext {
  hooks: RunHooks;
  output: Output;
}

/** A verb as the command line knows it. */
export interface Command extends Described<AnyVerb> {
  /**
   * Reads the options and gives back the work, which ends with an exit code.
   * @throws MsmaeError `Config` with every problem found.
   */
  prepare(source: ConfigSource): (context: CommandContext) => Promise<number>;
}

/** Ends a verb whose data has faults. */
export const dataExitCode = 3;

export function resultVerb<V extends AnyVerb, R extends object>(verb: ResultVerb<V, R>): ResultVerb<V, R> & Command {
  return {
    ...verb,
    prepare(source) {
      const options = resolveConfig(this.options, source);
      return async ({ hooks, output }) => {
        const result = await this.run(options, hooks);
        await output.write(result, this.view(result));
        return this.exitCode?.(result, options) ?? 0;
      };
    },
  };
}

/** Only when none of the files could be read does the command end as for unreadable data. */
export function filesVerb<V extends AnyVerb, L extends FileLine>(verb: FilesVerb<V, L>): FilesVerb<V, L> & Command {
  return {
    ...verb,
    prepare(source) {
      const options = resolveConfig(this.options, source);
      return async ({ hooks, output }) => {
        let total = 0;
        let failed = 0;
        for await (const line of this.run(options, hooks)) {
          total++;
          if (hasFailed(line)) failed++;
          const said = hasFailed(line) ? `error[${line.error.code}]: ${line.error.message}` : this.view(line);
          await output.write(line, [`${nameOf(line)}  ${said}`]);
        }
        return total > 0 && failed === total ? dataExitCode : 0;
      };
    },
  };
}

function hasFailed(line: FileLine | FileFailure): line is FileFailure {
  return "error" in line;
}

/** What people call a picture: its file, and the slice where the file holds several. */
function nameOf({ path, slice }: FileLine): string {
  return slice === undefined ? path : `${path} slice ${slice}`;
}
