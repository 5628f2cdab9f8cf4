import { RandomStream } from "../../support/random.ts";

/**
 * What a graph is fed to skip blocks: `dropPath` [depth, 2, batch], 0 with the block's rate, else 1 / (1 - rate); nothing
 * where no block is ever skipped. The draws depend on the seed, the epoch and the batch alone.
 */
export function dropPathFeeds(
  rates: readonly number[],
  { batchSize, seed }: { batchSize: number; seed: number },
): (epoch: number, batchIndex: number) => { dropPath?: Float32Array } {
  if (rates.every((rate) => rate === 0)) return () => ({});
  return (epoch, batchIndex) => {
    const stream = RandomStream.for(seed, "drop-path", epoch, batchIndex);
    const factors = new Float32Array(rates.length * 2 * batchSize);
    rates.forEach((rate, block) => {
      const at = block * 2 * batchSize;
      for (let i = 0; i < 2 * batchSize; i++) factors[at + i] = stream.uniform() < rate ? 0 : 1 / (1 - rate);
    });
    return { dropPath: factors };
  };
}
