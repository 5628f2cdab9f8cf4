// What processes that mpirun starts train together when the backward pass is cut in parts: each prints its weights' digest.
import { createHash } from "node:crypto";
import { smallBatch, smallConfig } from "../../bench/check.ts";
import { createParameters } from "../../bench/weights.ts";
import { workload } from "../../bench/workload.ts";
import { openEngine } from "../../src/engine/thread/node-engine.ts";
import type { ExchangeForm } from "../../src/parallel/gradient-codec.ts";
import { joinRanks } from "../../src/parallel/join-ranks.ts";
import { SharedSteps } from "../../src/training/steps/shared-steps.ts";

const [exchange] = process.argv.slice(2) as [ExchangeForm];
const ranks = await joinRanks();
const work = workload("pretrain-random", smallConfig, smallBatch);
const store = createParameters(work, "fp32", { accumulate: true });
const engine = await openEngine({ store, optimizer: work.optimizer, exchanges: true });
const accumIter = 4;
const options = { batchSize: smallBatch, accumIter, exchange, exchangeParts: 6 };
const steps = new SharedSteps({ ranks, engine, store }, options, undefined);
await steps.load(work.graph);
const losses: number[] = [];
// The last step has three batches: not all processes have one at its end.
for (const [step, batches] of [accumIter, accumIter, accumIter - 1].entries()) {
  for (let done = 0; done < batches; ) {
    const count = Math.min(ranks.size, batches - done);
    const feeds = work.feeds(accumIter * step + done + ranks.rank);
    const batch = ranks.rank < count ? { feeds, paths: [] } : undefined;
    done += count;
    const last = {
      kind: "step",
      lr: 0.01,
      stepIndex: step + 1,
      gradientScale: 1 / batches,
      fromAccumulator: true,
    } as const;
    const update = done === batches ? last : ({ kind: "accumulate" } as const);
    const results = await steps.round({ graph: work.graph.name, batch, count, update }, []);
    losses.push(...results.map(({ loss }) => loss));
  }
}
const digest = createHash("sha256");
for (const array of store.flat("parameter")) digest.update(Buffer.from(array.slice().buffer));
console.log(JSON.stringify({ rank: ranks.rank, weights: digest.digest("hex"), losses }));
await engine.close();
await ranks.leave();
