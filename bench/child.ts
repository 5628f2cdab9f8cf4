// One contestant of a benchmark, in a process of its own so that its peak memory is its own: loads a workload, then
// runs a step whenever its parent asks.

import type { ChildReply, ChildRequest } from "./contestant.ts";
import { peakRssBytes } from "./peak-memory.ts";
import { startRunner } from "./runner.ts";

const send = (reply: ChildReply): void => {
  process.send?.(reply);
};

let runner: Awaited<ReturnType<typeof startRunner>> | undefined;

process.on("message", (request: ChildRequest) => {
  answer(request).then(send, (error: unknown) => {
    send({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  });
});

// A parent that fails leaves without a word.
process.once("disconnect", () => process.exit());

async function answer(request: ChildRequest): Promise<ChildReply> {
  if (request.kind === "start") {
    const started = performance.now();
    runner = await startRunner(request.job);
    const { nodes, inputs } = runner;
    return { kind: "started", info: { nodes, inputs, loadSeconds: (performance.now() - started) / 1000 } };
  }
  if (!runner) throw new Error("start comes first");
  if (request.kind === "step") return { kind: "stepped", step: await runner.step() };
  await runner.close();
  return { kind: "finished", peakRssBytes: peakRssBytes() };
}
