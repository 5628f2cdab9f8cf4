import { performance } from "node:perf_hooks";
import { CommanderError, Command as Program } from "commander";
import type { Shape } from "../../config/fields.ts";
import { launchOf, refuseUnshared } from "../../parallel/launch.ts";
import type { RunEvent } from "../../support/events.ts";
import { packageVersion } from "../../support/version.ts";
import { readConfigFile } from "./config-file.ts";
import { exitCodeOf, formatFailure } from "./failures.ts";
import { addFlags, givenFlags, normaliseFlags } from "./flags.ts";
import { drain, Output, type Streams, writeOut } from "./output.ts";
import { createProgress } from "./progress.ts";
import { abortOnSignals } from "./signals.ts";
import { usageError } from "./usage-error.ts";
import type { Command } from "./verb.ts";
import { groups } from "./verbs/index.ts";

interface GlobalFlags {
  json?: boolean;
  quiet?: boolean;
  debug?: boolean;
  config?: string;
}

/**
 * Runs one command line and returns its exit code.
 *
 * @param argv the arguments after the program's name
 * @param commands in the order in which help lists them
 */
export async function runCli(argv: readonly string[], commands: readonly Command[], streams: Streams): Promise<number> {
  const debug = argv.includes("--debug");
  let exitCode = 0;
  const setExitCode = (code: number): void => {
    exitCode = code;
  };
  const program = createProgram(streams);
  for (const command of commands) addCommand(program, command, streams, setExitCode);
  try {
    await program.parseAsync(normaliseFlags(argv), { from: "user" }).catch((error: unknown) => {
      const failure = error instanceof CommanderError ? usageError(error, program, argv) : error;
      if (failure !== undefined) throw failure;
    });
    await writeOut(streams.stdout, "");
  } catch (failure) {
    streams.stderr.write(formatFailure(failure, debug));
    exitCode = exitCodeOf(failure);
  }
  await drain(streams.stderr);
  return exitCode;
}

function createProgram(streams: Streams): Program {
  const program = new Program("msmae");
  program
    .description(
      "Supervised masked autoencoders for medical images: pre-train, fine-tune, and see where the model looks.",
    )
    .version(packageVersion)
    .option("--json", "Write results as JSON on stdout; everything for people goes to stderr.")
    .option("--quiet", "Write nothing but results, warnings and errors.")
    .option("--debug", "Show the stack trace of an error.")
    .option("--config <file>", "Read options from a YAML file; flags win.")
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
      outputError: () => undefined,
    })
    .configureHelp({ showGlobalOptions: true, minWidthToWrap: 24 })
    .addHelpText("after", "\nExample:\n  $ msmae demo --output-dir runs/demo\n")
    .exitOverride();
  return program;
}

function addCommand(program: Program, command: Command, streams: Streams, setExitCode: (code: number) => void): void {
  const { name, schema } = command.options;
  const shape: Shape = schema.shape;
  const words = name.split(" ");
  const [group] = words.slice(0, -1);
  const parser = (group === undefined ? program : groupOf(program, group))
    .command(words.at(-1) as string)
    .description(command.summary)
    .allowExcessArguments(false);
  addFlags(parser, shape);
  const notes = command.notes === undefined ? "" : `\n${command.notes}\n`;
  parser.addHelpText("after", `${notes}\nExample:\n  $ msmae ${command.example}\n`);
  parser.action(async () => {
    refuseUnshared(name);
    const { json = false, quiet = false, config } = program.opts<GlobalFlags>();
    const work = command.prepare({ ...(await readConfigFile(config)), flags: givenFlags(parser, shape) });
    const controller = new AbortController();
    const progress = createProgress({ stream: streams.stderr, quiet, now: () => performance.now() });
    const restoreTerminal = (): void => progress.stop();
    const isFirst = (launchOf()?.rank ?? 0) === 0;
    const release = abortOnSignals(controller, isFirst ? streams.stderr : undefined, restoreTerminal);
    process.once("exit", restoreTerminal);
    try {
      const hooks = { signal: controller.signal, onEvent: (event: RunEvent) => progress.handle(event) };
      setExitCode(await work({ hooks, output: new Output(streams.stdout, json) }));
      controller.signal.throwIfAborted();
    } finally {
      release();
      progress.stop();
      process.off("exit", restoreTerminal);
    }
  });
}

/** The command under which the verbs of a group stand, such as `data` of `data show`. */
function groupOf(program: Program, name: string): Program {
  const known = program.commands.find((command) => command.name() === name);
  if (known !== undefined) return known;
  return program
    .command(name)
    .description(groups[name] ?? "")
    .allowExcessArguments(false);
}
