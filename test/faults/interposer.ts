import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

/** What happens to a call; the same numbers stand in interpose.c. */
const actions = { count: 0, fail: 1, kill: 2, shorten: 3, tear: 4 } as const;
const operations = {
  open: 1,
  write: 2,
  sync: 4,
  rename: 8,
  unlink: 16,
  mkdir: 32,
  close: 64,
  truncate: 128,
  "open-read": 256,
  read: 512,
} as const;

export type Operation = keyof typeof operations;

/** Every call that changes a file, a folder, or what of them is on the disk. */
export const CHANGES: readonly Operation[] = [
  "open",
  "write",
  "sync",
  "rename",
  "unlink",
  "mkdir",
  "close",
  "truncate",
];
export const READS: readonly Operation[] = ["open-read", "read"];

/** One call of a process below the folder. */
export interface Call {
  operation: Operation;
  path: string;
}

/** What is to happen at the `at`-th call, counted from 1. */
export interface Fault {
  /** `tear` writes half and then kills the process; `shorten` writes half and says so. */
  action: keyof typeof actions;
  at: number;
  /** For `fail`. */
  error?: "ENOSPC" | "EIO" | "EINTR";
  /** A full disk stays full: all later calls that need room fail too. */
  lasting?: boolean;
}

const ROOT = 64;
const FIRST = ROOT + 1024;
const BYTES = FIRST + 1024;

/** Why calls cannot be made to fail on this machine; undefined where they can. */
export const unavailable: string | undefined =
  process.platform !== "linux"
    ? "libraries are preloaded on Linux only"
    : spawnSync("cc", ["--version"]).status === 0
      ? undefined
      : "there is no C compiler (cc)";

const folder = mkdtempSync(join(tmpdir(), "msmae-interpose-"));
const library = join(folder, "interpose.so");
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

function compiled(): string {
  if (existsSync(library)) return library;
  const source = join(import.meta.dirname, "interpose.c");
  const args = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", library, source, "-ldl"];
  const { status, stderr } = spawnSync("cc", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`interpose.c does not compile: ${stderr}`);
  return library;
}

/** Counts the calls that one process makes below a folder, and lets one of them go wrong. */
export class Interposer {
  static #made = 0;
  readonly #path = join(folder, `control-${Interposer.#made++}`);
  readonly #trace = `${this.#path}.trace`;
  readonly #file = openSync(this.#path, "w+");

  constructor() {
    this.disarm();
  }

  /** What the process has to find in its environment when it starts. */
  get environment(): Record<string, string> {
    return { LD_PRELOAD: compiled(), INTERPOSE_CONTROL: this.#path };
  }

  /** Starts counting anew below `root`, an absolute path; without a fault every call is noted and none goes wrong. */
  arm(root: string, counted: readonly Operation[], fault: Fault = { action: "count", at: 0 }): void {
    const block = Buffer.alloc(BYTES);
    block.writeInt32LE(actions[fault.action], 0);
    block.writeInt32LE(fault.error === undefined ? 0 : constants.errno[fault.error], 4);
    block.writeInt32LE(fault.lasting ? 1 : 0, 8);
    block.writeInt32LE(
      counted.reduce((mask, name) => mask | operations[name], 0),
      12,
    );
    block.writeBigInt64LE(BigInt(fault.at), 16);
    block.writeInt32LE(fault.action === "count" ? 1 : 0, 40);
    block.write(root, ROOT, 1023, "utf8");
    this.#write(block);
  }

  disarm(): void {
    this.#write(Buffer.alloc(BYTES));
  }

  /** The first call that went wrong. */
  get fired(): Call | undefined {
    const block = Buffer.alloc(BYTES);
    readSync(this.#file, block, 0, BYTES, 0);
    const text = block.toString("utf8", FIRST, block.indexOf(0, FIRST));
    return text === "" ? undefined : callOf(text);
  }

  /** The calls noted since counting started. */
  get calls(): Call[] {
    const lines = readFileSync(this.#trace, "utf8").split("\n").slice(0, -1);
    return lines.map(callOf);
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(block: Buffer): void {
    writeFileSync(this.#trace, "");
    writeSync(this.#file, block, 0, BYTES, 0);
  }
}

function callOf(line: string): Call {
  const space = line.indexOf(" ");
  return { operation: line.slice(0, space) as Operation, path: line.slice(space + 1) };
}
