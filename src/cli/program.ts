import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { Command, CommanderError } from "commander";
import type { Shape } from "../config/fields.ts";
import { resolveConfig, schemas, type VerbName } from "../config/index.ts";
import { nearestName } from "../config/names.ts";
import { ConfigError } from "../config/problems.ts";
import { MsmaeError, messageOf } from "../errors.ts";
import { packageVersion } from "../version.ts";
import type { VerbCommand } from "./commands/command.ts";
import { demo } from "./commands/demo.ts";
import { evaluate } from "./commands/eval.ts";
import { finetune } from "./commands/finetune.ts";
import { flops } from "./commands/flops.ts";
import { inspect } from "./commands/inspect.ts";
import { maps } from "./commands/maps.ts";
import { predict } from "./commands/predict.ts";
import { pretrain } from "./commands/pretrain.ts";
import { reconstruct } from "./commands/reconstruct.ts";
import { exitCodeOf, formatFailure } from "./failures.ts";
import { addFlags, givenFlags, normaliseFlags } from "./flags.ts";
import { Output, type Streams } from "./output.ts";
import { createProgress } from "./progress.ts";
import { abortOnSignals } from "./signals.ts";
import type { Verbs } from "./verbs.ts";

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
 */
export async function runCli(argv: readonly string[], verbs: Verbs, streams: Streams): Promise<number> {
  const debug = argv.includes("--debug");
  let exitCode = 0;
  const setExitCode = (code: number): void => {
    exitCode = code;
  };
  const program = createProgram(streams);
  const add = <V extends VerbName>(verb: VerbCommand<V>): void => addVerb(program, verb, verbs, streams, setExitCode);
  add(demo);
  add(pretrain);
  add(finetune);
  add(evaluate);
  add(predict);
  add(maps);
  add(reconstruct);
  add(flops);
  add(inspect);
  try {
    await program.parseAsync(normaliseFlags(argv), { from: "user" });
    return exitCode;
  } catch (error) {
    const failure = error instanceof CommanderError ? usageError(error, program, argv) : error;
    if (failure === undefined) return 0;
    streams.stderr.write(formatFailure(failure, debug));
    return exitCodeOf(failure);
  }
}

function createProgram(streams: Streams): Command {
  const program = new Command("msmae");
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

function addVerb<V extends VerbName>(
  program: Command,
  verb: VerbCommand<V>,
  verbs: Verbs,
  streams: Streams,
  setExitCode: (code: number) => void,
): void {
  const shape: Shape = schemas[verb.name].shape;
  const command = program.command(verb.name).description(verb.summary).allowExcessArguments(false);
  addFlags(command, shape);
  const notes = verb.notes === undefined ? "" : `\n${verb.notes}\n`;
  command.addHelpText("after", `${notes}\nExample:\n  $ msmae ${verb.example}\n`);
  command.action(async () => {
    const { json = false, quiet = false, config } = program.opts<GlobalFlags>();
    const options = resolveConfig(verb.name, { ...readConfig(config), flags: givenFlags(command, shape) });
    const controller = new AbortController();
    const progress = createProgress({ stream: streams.stderr, quiet, now: () => performance.now() });
    const release = abortOnSignals(controller, streams.stderr);
    const restoreTerminal = (): void => progress.stop();
    process.once("exit", restoreTerminal);
    try {
      await verb.run(options, {
        verbs,
        hooks: { signal: controller.signal, onEvent: (event) => progress.handle(event) },
        output: new Output(streams.stdout, json),
        setExitCode,
      });
      controller.signal.throwIfAborted();
    } finally {
      release();
      progress.stop();
      process.off("exit", restoreTerminal);
    }
  });
}

function readConfig(path: string | undefined): { file?: string; fileName?: string } {
  if (path === undefined) return {};
  try {
    return { file: readFileSync(path, "utf8"), fileName: path };
  } catch (error) {
    throw new ConfigError([
      {
        where: "--config",
        expected: "a readable YAML file",
        got: `${path} (${messageOf(error)})`,
        todo: "check the path",
      },
    ]);
  }
}

/** Commander's complaint in our words, or undefined where it only ends a help or version text. */
function usageError(error: CommanderError, program: Command, argv: readonly string[]): MsmaeError | undefined {
  if (error.exitCode === 0) return undefined;
  const verbs = program.commands.map((command) => command.name());
  const command = program.commands.find((candidate) => argv.includes(candidate.name()));
  const verbHelp = command === undefined ? "msmae --help" : `msmae ${command.name()} --help`;
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const raise = (where: string, expected: string, got: string, todo: string): MsmaeError =>
    new MsmaeError("Config", { where, expected, got, todo });
  switch (error.code) {
    case "commander.unknownOption": {
      const flags = [...program.options, ...(command?.options ?? [])].map(({ long }) => long ?? "");
      const meant = nearestName(
        named.replace(/^-+|=.*$/g, ""),
        flags.map((flag) => flag.slice(2)),
      );
      const todo = meant === undefined ? `see ${verbHelp}` : `did you mean --${meant}?`;
      return raise(named, `an option of ${verbHelp.replace(" --help", "")}`, "an unknown one", todo);
    }
    case "commander.unknownCommand": {
      const meant = nearestName(named, verbs);
      const todo = meant === undefined ? "see msmae --help" : `did you mean ${meant}?`;
      return raise(named, `one of ${verbs.join(", ")}`, "an unknown command", todo);
    }
    case "commander.help":
      return raise("msmae", `one of ${verbs.join(", ")}`, "no command", "see msmae --help");
    case "commander.optionMissingArgument":
      return raise(named.split(" ")[0] ?? named, "a value", "nothing", `see ${verbHelp}`);
    case "commander.excessArguments":
      return raise(command?.name() ?? "msmae", "flags only", "further arguments", `see ${verbHelp}`);
    default:
      return raise("msmae", "a valid command line", error.message.replace(/^error: /, ""), `see ${verbHelp}`);
  }
}
