// The start of every helper thread in a browser: imports the module it was given and hands over.
import { messageOf } from "../../support/errors.ts";

addEventListener("message", ({ data: start }: MessageEvent<{ module: string; data: unknown }>) => void run(start), {
  once: true,
});

/** A worker of a browser neither ends by itself nor tells of a rejected promise: its owner is told here. */
async function run({ module, data }: { module: string; data: unknown }): Promise<void> {
  try {
    const { runThread } = (await import(/* @vite-ignore */ module)) as {
      runThread(data: unknown): void | Promise<void>;
    };
    await runThread(data);
    postMessage("finished");
  } catch (error) {
    postMessage(messageOf(error));
  }
}
