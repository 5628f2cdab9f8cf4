import { oneRank, type Ranks } from "../../src/parallel/ranks.ts";

/** Processes in name only: what they gather is told when all have given theirs. */
export function fakeRanks(size: number): Ranks[] {
  const rounds: { values: unknown[]; given: number; all: PromiseWithResolvers<unknown[]> }[] = [];
  return Array.from({ length: size }, (_, rank) => {
    let calls = 0;
    const gather = async <T>(value: T): Promise<T[]> => {
      const at = calls++;
      const round = rounds[at] ?? { values: new Array(size), given: 0, all: Promise.withResolvers() };
      rounds[at] = round;
      round.values[rank] = value;
      if (++round.given === size) round.all.resolve(round.values);
      return (await round.all.promise) as T[];
    };
    return { ...oneRank, rank, size, gather };
  });
}
