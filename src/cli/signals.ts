import { MsmaeError } from "../errors.ts";

const signals = ["SIGINT", "SIGTERM"] as const;
const interruptedExitCode = 130;

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that training can save; a second one ends the process at once.
 * Returns the function that takes the handlers away again.
 */
export function abortOnSignals(controller: AbortController, stderr: NodeJS.WritableStream): () => void {
  const handle = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(interruptedExitCode);
    stderr.write(`${signal}: stopping after the step in hand; once more to stop at once\n`);
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
  return () => {
    for (const signal of signals) process.off(signal, handle);
  };
}
