import { expect, test } from "vitest";
import { squaredDistances } from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

function bruteForce(sites: Uint8Array, height: number, width: number, [v, h]: readonly [number, number]): number[] {
  return Array.from({ length: height * width }, (_, at) => {
    let least = Number.POSITIVE_INFINITY;
    for (let site = 0; site < sites.length; site++) {
      if (sites[site] === 0) continue;
      const rows = Math.floor(site / width) - Math.floor(at / width);
      least = Math.min(least, (rows * v) ** 2 + (((site % width) - (at % width)) * h) ** 2);
    }
    return least;
  });
}

test.each([
  [13, 17, 0.02, [1, 1]],
  [13, 17, 0.3, [1, 1]],
  [21, 8, 0.03, [2.5, 0.3]],
  [7, 30, 0.01, [0.2, 3]],
  [1, 40, 0.1, [1, 0.5]],
  [40, 1, 0.1, [0.5, 1]],
  [1, 1, 1, [1, 1]],
] as const)("every distance on [%i, %i], a share of %f sites, is that of a search", (height, width, share, spacing) => {
  for (let seed = 0; seed < 20; seed++) {
    const stream = RandomStream.for(seed, "phantom");
    const sites = Uint8Array.from({ length: height * width }, () => Number(stream.uniform() < share));
    const got = squaredDistances(sites, height, width, spacing);
    bruteForce(sites, height, width, spacing).forEach((want, at) => {
      if (want === Number.POSITIVE_INFINITY) expect(got[at]).toBe(want);
      else expect(got[at]).toBeCloseTo(want, 10);
    });
  }
});
