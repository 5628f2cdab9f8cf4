// A process that runs one command line of msmae after the other, each as it comes as a message, so that hundreds of
// runs with a fault in them need not start hundreds of processes.
import { readdirSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { runCli } from "../../src/apps/cli/program.ts";
import { commands } from "../../src/apps/cli/verbs/index.ts";
import type { RunEvent, RunHooks } from "../../src/support/events.ts";
import { commandsWith } from "../cli/fakes.ts";

export interface Request {
  argv: readonly string[];
  /** Stops the training after this step, as a first SIGINT does. */
  stopAtStep?: number | undefined;
}

function stopping(hooks: RunHooks, stopAtStep: number | undefined): RunHooks {
  const stop = new AbortController();
  const onEvent = (event: RunEvent): void => {
    hooks.onEvent?.(event);
    if (event.type === "step" && event.step === stopAtStep) stop.abort();
  };
  return { ...hooks, onEvent, signal: hooks.signal ? AbortSignal.any([hooks.signal, stop.signal]) : stop.signal };
}

/** Files and folders below the temporary folder, where the runs are, that this process has open. */
function openFiles(): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/fd").flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      return path.startsWith(join(tmpdir(), "msmae-")) && !path.includes(".trace") ? [path] : [];
    } catch {
      // The one that lists this folder.
      return [];
    }
  });
}

process.on("message", async ({ argv, stopAtStep }: Request) => {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const texts = Promise.all([text(streams.stdout), text(streams.stderr)]);
  const list = commandsWith({
    pretrain: (options, hooks) => commands.pretrain.run(options, stopping(hooks, stopAtStep)),
    finetune: (options, hooks) => commands.finetune.run(options, stopping(hooks, stopAtStep)),
  });
  const code = await runCli(argv, list, streams);
  streams.stdout.end();
  streams.stderr.end();
  const [stdout, stderr] = await texts;
  process.send?.({ code, stdout, stderr, open: openFiles() });
});
