import { expect, test } from "vitest";
import { input } from "../../../src/engine/graph/builders.ts";
import { graph } from "../../../src/engine/graph/graph.ts";
import type { Engine } from "../../../src/engine/thread/engine.ts";
import { type ImageBatch, runBatches } from "../../../src/inference/run-batches.ts";
import type { Feeder } from "../../../src/method/kinds/kind.ts";
import { fakeRanks } from "../../support/fake-ranks.ts";

const identity = graph("identity", { y: input("x", [1]) });
const feeds = { whole: (images: Uint8Array) => ({ x: Float32Array.from(images) }) } as unknown as Feeder;

/** Seven batches of one value, of which the third has none. */
async function* batches(): AsyncGenerator<ImageBatch> {
  for (let i = 0; i < 7; i++) yield { indices: new Uint32Array(i === 2 ? 0 : 1).fill(i), images: Uint8Array.of(i) };
}

test("each process runs its share of the batches, and has what all of them give, in their order", async () => {
  const ranks = fakeRanks(3);
  const runs: number[][] = [[], [], []];
  const told = await Promise.all(
    ranks.map(async (own) => {
      const engine = {
        load: async () => undefined,
        async run(_: string, { x }: { x: Float32Array }) {
          runs[own.rank]?.push(x[0] as number);
          return { y: x.map((value) => 10 * value) };
        },
      } as unknown as Engine;
      const seen: (number | undefined)[][] = [];
      for await (const { batch, outputs } of runBatches({
        engine,
        graph: identity,
        feeds,
        batches: batches(),
        batchSize: 1,
        ranks: own,
      })) {
        seen.push([batch.images[0], outputs.y?.[0]]);
      }
      return seen;
    }),
  );
  const expected = [
    [0, 0],
    [1, 10],
    [2, undefined],
    [3, 30],
    [4, 40],
    [5, 50],
    [6, 60],
  ];
  expect(told).toEqual([expected, expected, expected]);
  expect(runs).toEqual([[0, 3, 6], [1, 4], [5]]);
});
