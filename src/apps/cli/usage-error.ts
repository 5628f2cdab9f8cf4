import type { Command, CommanderError } from "commander";
import { nearestName } from "../../config/names.ts";
import { MsmaeError } from "../../support/errors.ts";

/** The command that the arguments name, a verb inside its group where they name one. */
function commandMeant(program: Command, argv: readonly string[]): Command | undefined {
  const command = program.commands.find((candidate) => argv.includes(candidate.name()));
  return command?.commands.find((candidate) => argv.includes(candidate.name())) ?? command;
}

/** `data show` for a verb of a group, else the verb's own name. */
function spelling(command: Command): string {
  const parent = command.parent;
  return parent?.parent ? `${parent.name()} ${command.name()}` : command.name();
}

/** Commander's complaint in our words, or undefined where it only ends a help or version text. */
export function usageError(error: CommanderError, program: Command, argv: readonly string[]): MsmaeError | undefined {
  if (error.exitCode === 0) return undefined;
  const command = commandMeant(program, argv);
  const asked = command === undefined ? "msmae" : `msmae ${spelling(command)}`;
  const verbHelp = `${asked} --help`;
  const parent = command !== undefined && command.commands.length > 0 ? command : program;
  const verbs = parent.commands.map((candidate) => candidate.name());
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
      const todo = meant === undefined ? `see ${verbHelp}` : `did you mean ${meant}?`;
      return raise(named, `one of ${verbs.join(", ")}`, "an unknown command", todo);
    }
    case "commander.help":
      return raise(asked, `one of ${verbs.join(", ")}`, "no command", `see ${verbHelp}`);
    case "commander.optionMissingArgument":
      return raise(named.split(" ")[0] ?? named, "a value", "nothing", `see ${verbHelp}`);
    case "commander.excessArguments":
      return raise(
        command === undefined ? "msmae" : spelling(command),
        "flags only",
        "further arguments",
        `see ${verbHelp}`,
      );
    default:
      return raise("msmae", "a valid command line", error.message.replace(/^error: /, ""), `see ${verbHelp}`);
  }
}
