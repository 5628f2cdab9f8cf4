import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Request } from "./child.ts";
import type { Interposer } from "./interposer.ts";

/** How a command line ended: `code` is null where a signal ended the process. */
export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  seconds: number;
  /** Files that the process still has open of those a run should have closed; of {@link Program} only. */
  open: string[];
}

/** An error that names its cause, with the exit code of its kind. */
export function expectNamed({ code, stderr }: Outcome): void {
  const kind = /^error\[(Config|Data|Checkpoint)\]: /m.exec(stderr)?.[1];
  expect(kind, stderr).toBeDefined();
  expect(code, stderr).toBe({ Config: 2, Data: 3, Checkpoint: 4 }[kind as string]);
}

// Compiled sources are kept for the time of the tests, so that a process of them starts in a third of a second.
const compiled = mkdtempSync(join(tmpdir(), "msmae-faults-compiled-"));
process.once("exit", () => rmSync(compiled, { recursive: true, force: true }));

/** What hangs is given up: no run of this suite takes a tenth of this, even on a machine that has much else to do. */
const PATIENCE_MS = 60_000;

function environment(interposer: Interposer | undefined): NodeJS.ProcessEnv {
  return { ...process.env, NODE_COMPILE_CACHE: compiled, ...interposer?.environment };
}

interface OnceOptions {
  /** Sends SIGKILL that long after the start. */
  killAfterMs?: number;
  interposer?: Interposer | undefined;
  /** A file to take what it writes to its standard output. */
  stdout?: string;
}

/** Starts one command line in a process of its own. */
export function runOnce(argv: readonly string[], options: OnceOptions = {}): Promise<Outcome> {
  const { killAfterMs = PATIENCE_MS, interposer, stdout } = options;
  const entry = join(import.meta.dirname, "../../src/apps/cli/main.ts");
  const started = performance.now();
  const file = stdout === undefined ? undefined : openSync(stdout, "w");
  const child = spawn(process.execPath, [entry, ...argv], {
    env: environment(interposer),
    timeout: Math.ceil(killAfterMs),
    killSignal: "SIGKILL",
    stdio: ["ignore", file ?? "pipe", "pipe"],
  });
  if (file !== undefined) closeSync(file);
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (chunk: Buffer) => {
      texts[name] += chunk;
    });
  }
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      resolve({ code, signal, ...texts, open: [], seconds: (performance.now() - started) / 1000 });
    });
  });
}

/** One process for many command lines, one after the other; it is started anew where one of them ended it. */
export class Program {
  readonly #interposer: Interposer | undefined;
  #child: ChildProcess | undefined;

  constructor(interposer?: Interposer) {
    this.#interposer = interposer;
  }

  run(argv: readonly string[], { stopAtStep }: Pick<Request, "stopAtStep"> = {}): Promise<Outcome> {
    const child = this.#running();
    const started = performance.now();
    return new Promise((resolve) => {
      const end = (outcome: Omit<Outcome, "seconds">) => {
        clearTimeout(timer);
        child.off("message", answered);
        child.off("exit", ended);
        resolve({ ...outcome, seconds: (performance.now() - started) / 1000 });
      };
      const answered = (message: unknown) => end({ ...(message as Outcome), signal: null });
      const ended = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#child = undefined;
        end({ code, signal, stdout: "", stderr: `the process ended: ${code ?? signal}`, open: [] });
      };
      const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      child.once("message", answered);
      child.once("exit", ended);
      child.send({ argv, stopAtStep } satisfies Request);
    });
  }

  close(): void {
    this.#child?.kill("SIGKILL");
  }

  #running(): ChildProcess {
    this.#child ??= spawn(process.execPath, [join(import.meta.dirname, "child.ts")], {
      env: environment(this.#interposer),
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    return this.#child;
  }
}
