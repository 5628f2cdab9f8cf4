import { MsmaeError } from "../../support/errors.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const interruptedExitCode = 130;

/**
 * One wish to stop may come as several signals: a terminal tells every process of a command, service managers send
 * SIGHUP after SIGTERM. What comes within this time, in milliseconds, is the same wish.
 */
const echo = 500;

/**
 * Turns the first signal to stop into an abort, so that training can save; a later one ends the process at once.
 * Returns the function that takes the handlers away again.
 *
 * @param stderr is told of the first signal; one process of several that work together tells it for all.
 * @param beforeEnd called before the process is ended at once.
 */
export function abortOnSignals(
  controller: AbortController,
  stderr: NodeJS.WritableStream | undefined,
  beforeEnd: () => void,
): () => void {
  let first: number | undefined;
  const release = (): void => {
    for (const signal of signals) process.off(signal, handle);
  };
  const handle = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (first !== undefined) {
      if (now - first < echo) return;
      release();
      beforeEnd();
      endAtOnce();
    }
    first = now;
    stderr?.write(`${signal}: stopping after the step in hand; once more to stop at once\n`);
    controller.abort(
      new MsmaeError("Interrupted", {
        where: "msmae",
        expected: "to finish",
        got: signal,
        todo: "training goes on with --resume",
      }),
    );
  };
  for (const signal of signals) process.on(signal, handle);
  return release;
}

/** Dies of SIGINT, which a shell tells as 130: `process.exit` would wait for the computation in hand. */
function endAtOnce(): void {
  if (process.platform !== "win32") process.kill(process.pid, "SIGINT");
  // Windows; and the first process of a container, for which a signal without a handler does nothing.
  process.exit(interruptedExitCode);
}
