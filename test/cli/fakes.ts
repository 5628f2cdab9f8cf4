import { PassThrough } from "node:stream";
import type { Streams } from "../../src/apps/cli/output.ts";
import { runCli } from "../../src/apps/cli/program.ts";
import type { Command } from "../../src/apps/cli/verb.ts";
import { commands } from "../../src/apps/cli/verbs/index.ts";

type Commands = typeof commands;
/** Functions in place of the library's, by the names of their commands. */
export type Runs = { [Name in keyof Commands]?: Commands[Name]["run"] };

/** The commands with these functions behind them; the others keep the library's. */
export function commandsWith(runs: Runs): Command[] {
  return Object.entries(commands).map(([name, command]) => {
    const run = runs[name as keyof Commands];
    return run === undefined ? command : { ...command, ...{ run } };
  });
}

/** Runs a command line in this process and collects what it wrote. Whatever else it calls than `runs` fails. */
export async function run(
  argv: string[],
  runs: Runs = {},
  more: readonly Command[] = [],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const written = { stdout: "", stderr: "" };
  stdout.on("data", (chunk: Buffer) => {
    written.stdout += chunk.toString();
  });
  stderr.on("data", (chunk: Buffer) => {
    written.stderr += chunk.toString();
  });
  const refusing = Object.keys(commands).map((name) => [name, refuse(name)]);
  const streams: Streams = { stdout, stderr };
  const code = await runCli(argv, [...commandsWith({ ...Object.fromEntries(refusing), ...runs }), ...more], streams);
  return { code, ...written };
}

function refuse(name: string): () => never {
  return () => {
    throw new Error(`${name} was not expected to be called`);
  };
}
