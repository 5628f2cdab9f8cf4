import { ConfigError } from "../../config/problems.ts";
import { ToldByFirst } from "../../parallel/ranks.ts";
import { type ErrorCode, type ErrorParts, MsmaeError, messageOf } from "../../support/errors.ts";
import { limitAdvice } from "../../support/machine-limits.ts";
import { printable } from "../../support/printable.ts";
import { StdoutFault } from "./output.ts";

const exitCodes: Readonly<Record<ErrorCode, number>> = {
  Shape: 1,
  NonFiniteLoss: 1,
  Config: 2,
  Data: 3,
  Checkpoint: 4,
  UnsupportedOp: 5,
  Device: 5,
  Interrupted: 130,
};

/** The exit code of the command line for anything thrown: 1 for what this package did not expect. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof StdoutFault) return error.readerLeft ? 0 : exitCodeOf(error.cause);
  const known = asKnown(error);
  return known === undefined ? 1 : exitCodes[known.code];
}

/**
 * What stderr says about anything thrown: one line per problem, and the stack as well under `--debug`. Nothing of a
 * reader that left, nor of what another process of the same run tells.
 */
export function formatFailure(error: unknown, debug: boolean): string {
  if (error instanceof StdoutFault) return error.readerLeft ? "" : formatFailure(error.cause, debug);
  if (error instanceof ToldByFirst) return "";
  const lines = failureLines(error);
  if (debug && error instanceof Error && error.stack !== undefined) {
    lines.push(...error.stack.split("\n"));
    if (error.cause instanceof Error && error.cause.stack !== undefined) {
      lines.push(...`caused by ${error.cause.stack}`.split("\n"));
    }
  }
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function failureLines(error: unknown): string[] {
  const known = asKnown(error);
  if (known === undefined) {
    return [
      `error[Internal]: msmae: expected to finish, got ${messageOf(error)}; this is a fault of msmae, run again with --debug and report it`,
    ];
  }
  const problems: readonly ErrorParts[] = known instanceof ConfigError ? known.problems : [known.parts];
  return problems.map(
    ({ where, expected, got, todo }) => `error[${known.code}]: ${where}: expected ${expected}, got ${got}; ${todo}`,
  );
}

function asKnown(error: unknown): MsmaeError | undefined {
  if (error instanceof MsmaeError) return error;
  if (!(error instanceof Error)) return undefined;
  if (error.name === "AbortError") {
    return new MsmaeError("Interrupted", {
      where: "msmae",
      expected: "to finish",
      got: "an interrupt",
      todo: "go on with --resume where the verb trains",
    });
  }
  return fromFileSystem(error);
}

/** Faults of the file system that no room has named are still the user's to mend, not a fault of the program. */
function fromFileSystem(error: NodeJS.ErrnoException): MsmaeError | undefined {
  const where = error.path ?? error.syscall ?? "file system";
  const raise = (code: ErrorCode, expected: string, got: string, todo: string): MsmaeError =>
    new MsmaeError(code, { where, expected, got, todo }, { cause: error });
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
      return raise("Config", "room on the disk", "a full disk", "free space or choose another --output-dir");
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return raise("Config", "permission", "none", "change the permissions or choose another path");
    case "ENOENT":
      return raise("Data", "a file or folder", "nothing there", "check the path");
    case "ENOTDIR":
    case "EEXIST":
      return raise("Config", "a folder", "a file", "choose another path");
    case "EMFILE":
    case "ENFILE":
      return raise("Device", "a file to be opened", error.code, limitAdvice(error.code) ?? "");
    case "ENOMEM":
    case "EAGAIN":
      return raise(
        "Device",
        "memory and threads for the work",
        error.code,
        "free memory, or raise the limits of the user",
      );
    case "EISDIR":
      return raise("Data", "a file", "a folder", "check the path");
    case "EIO":
    case "ENXIO":
    case "ENODEV":
    case "ESTALE":
    case "ETIMEDOUT":
      return raise("Data", "a disk that works", error.message, "check the disk or network drive, then run again");
    default:
      return undefined;
  }
}
