import { describe, expect, test } from "vitest";
import { gatherPatches, gatherPositions, normalizePatches } from "../../../../src/method/masking/tokens.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const stream = RandomStream.for(1, "masks");

describe.each([
  [1, 8, 8, 4],
  [3, 8, 8, 4],
  [3, 6, 15, 3],
  [1, 4, 2, 1],
])("patches of a %d-channel image of %d×%d, patch size %d", (channels, height, width, patchSize) => {
  const shape = { height, width, channels, patchSize };
  const patches = Uint32Array.of(1, (height / patchSize) * (width / patchSize) - 1, 0);
  const size = channels * patchSize * patchSize;
  const batch = 2;
  const images = [0, 1].map(() => Float32Array.from({ length: channels * height * width }, () => stream.normal()));
  const pixel = (b: number, c: number, y: number, x: number) => images[b]?.[(c * height + y) * width + x];

  test.each(["channel-row-column", "row-column-channel"] as const)("in %s order equal a naive reference", (order) => {
    const rows = new Float32Array(patches.length * batch * size);
    images.forEach((image, b) => {
      gatherPatches(image, shape, patches, order, rows, { batch, b });
    });
    const columns = width / patchSize;
    const expected = [...patches].flatMap((patch) =>
      images.flatMap((_, b) => {
        const [top, left] = [Math.floor(patch / columns) * patchSize, (patch % columns) * patchSize];
        const values: (number | undefined)[] = [];
        if (order === "channel-row-column") {
          for (let c = 0; c < channels; c++)
            for (let y = 0; y < patchSize; y++)
              for (let x = 0; x < patchSize; x++) values.push(pixel(b, c, top + y, left + x));
        } else {
          for (let y = 0; y < patchSize; y++)
            for (let x = 0; x < patchSize; x++)
              for (let c = 0; c < channels; c++) values.push(pixel(b, c, top + y, left + x));
        }
        return values;
      }),
    );
    expect([...rows]).toEqual(expected);
  });
});

test("positions are patch index + 1, token-major", () => {
  const positions = new BigInt64Array(6);
  gatherPositions([4, 0, 2], positions, { batch: 2, b: 0 });
  gatherPositions([1, 3, 5], positions, { batch: 2, b: 1 });
  expect([...positions]).toEqual([5n, 2n, 1n, 4n, 3n, 6n]);
});

test("patches are normalised each by its own mean and unbiased variance, with 1e-6 inside the root", () => {
  const rows = Float64Array.of(1, 2, 3, 6, 5, 5, 5, 5);
  const statistics = normalizePatches(rows, 4);
  const deviation = Math.sqrt((4 + 1 + 0 + 9) / 3 + 1e-6);
  expect(statistics).toEqual([
    { mean: 3, deviation },
    { mean: 5, deviation: Math.sqrt(1e-6) },
  ]);
  expect([...rows]).toEqual([-2 / deviation, -1 / deviation, 0, 3 / deviation, 0, 0, 0, 0]);
});

describe("normalizePatches of values that are no measurement", () => {
  test("they have no part in the statistics and become the mean", () => {
    const targets = Float64Array.of(1, 3, -90, -90, 1, 3, 5, 7);
    const statistics = normalizePatches(targets, 4, [1, 1, 0, 0.99, 1, 1, 1, 1]);
    const [alone, whole] = [Float64Array.of(1, 3), Float64Array.of(1, 3, 5, 7)];
    const expected = [...normalizePatches(alone, 2), ...normalizePatches(whole, 4)];
    expect(statistics).toEqual(expected);
    expect([...targets]).toEqual([...alone, 0, 0, ...whole]);
  });

  test("one value, none, and patches of one level stay finite", () => {
    const targets = Float32Array.of(4, 9, 9, 9, -2, -2);
    normalizePatches(targets, 2, [1, 0, 0, 0, 1, 1]);
    expect([...targets]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
