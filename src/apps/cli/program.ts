import { performance } from "node:perf_hooks";
import { Command, CommanderError } from "commander";
import type { Shape } from "../../config/fields.ts";
import { type AnyVerb, resolveConfig } from "../../config/index.ts";
import { packageVersion } from "../../support/version.ts";
import type { VerbCommand } from "./commands/command.ts";
import { dataAnonymise, dataCheck, dataPrepare, dataShow, dataSplit, dataStats } from "./commands/data.ts";
import { demo } from "./commands/demo.ts";
import { evaluate } from "./commands/eval.ts";
import { finetune } from "./commands/finetune.ts";
import { flops } from "./commands/flops.ts";
import { inspect } from "./commands/inspect.ts";
import { maps } from "./commands/maps.ts";
import { predict } from "./commands/predict.ts";
import { pretrain } from "./commands/pretrain.ts";
import { reconstruct } from "./commands/reconstruct.ts";
import { readConfigFile } from "./config-file.ts";
import { exitCodeOf, formatFailure } from "./failures.ts";
import { addFlags, givenFlags, normaliseFlags } from "./flags.ts";
import { drain, Output, type Streams, writeOut } from "./output.ts";
import { createProgress } from "./progress.ts";
import { abortOnSignals } from "./signals.ts";
import { usageError } from "./usage-error.ts";
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
  const add = <V extends AnyVerb>(verb: VerbCommand<V>): void => addVerb(program, verb, verbs, streams, setExitCode);
  add(demo);
  add(pretrain);
  add(finetune);
  add(evaluate);
  add(predict);
  add(maps);
  add(reconstruct);
  add(flops);
  add(inspect);
  add(dataShow);
  add(dataPrepare);
  add(dataSplit);
  add(dataStats);
  add(dataCheck);
  add(dataAnonymise);
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

function addVerb<V extends AnyVerb>(
  program: Command,
  verb: VerbCommand<V>,
  verbs: Verbs,
  streams: Streams,
  setExitCode: (code: number) => void,
): void {
  const shape: Shape = verb.verb.schema.shape;
  const full = verb.verb.name;
  const [group, name] = full.includes(" ") ? full.split(" ") : [undefined, full];
  const parent = group === undefined ? program : groupOf(program, group);
  const command = parent
    .command(name as string)
    .description(verb.summary)
    .allowExcessArguments(false);
  addFlags(command, shape);
  const notes = verb.notes === undefined ? "" : `\n${verb.notes}\n`;
  command.addHelpText("after", `${notes}\nExample:\n  $ msmae ${verb.example}\n`);
  command.action(async () => {
    const { json = false, quiet = false, config } = program.opts<GlobalFlags>();
    const options = resolveConfig(verb.verb, { ...(await readConfigFile(config)), flags: givenFlags(command, shape) });
    const controller = new AbortController();
    const progress = createProgress({ stream: streams.stderr, quiet, now: () => performance.now() });
    const restoreTerminal = (): void => progress.stop();
    const release = abortOnSignals(controller, streams.stderr, restoreTerminal);
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

const groupSummaries: Readonly<Record<string, string>> = {
  data: "Look at image files; prepare, check, split, measure and anonymise data sets.",
};

/** The command under which the verbs of a group stand, such as `data` of `data show`. */
function groupOf(program: Command, name: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  if (known !== undefined) return known;
  return program
    .command(name)
    .description(groupSummaries[name] ?? "")
    .allowExcessArguments(false);
}
