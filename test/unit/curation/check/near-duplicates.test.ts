import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { HashIndex, LARGEST_DISTANCE } from "../../../../src/curation/check/hash-index.ts";
import { findNearPairs } from "../../../../src/curation/check/near-duplicates.ts";
import { hammingDistance, perceptualHashes } from "../../../../src/curation/check/perceptual-hash.ts";
import { SYMMETRIES, THUMB_AREA, THUMB_SIDE, turned } from "../../../../src/curation/check/symmetry.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { asSharp, drawScene } from "./scenes.ts";

async function thumbOf(picture: Sharp): Promise<Uint8Array> {
  const png = await picture.png().toBuffer();
  const pixels = await sharp(png).greyscale().resize(THUMB_SIDE, THUMB_SIDE, { fit: "fill" }).raw().toBuffer();
  return new Uint8Array(pixels.subarray(0, THUMB_AREA));
}

async function search(thumbs: readonly Uint8Array[], splits = thumbs.map(() => 1)) {
  const joined = new Uint8Array(thumbs.length * THUMB_AREA);
  for (const [at, thumb] of thumbs.entries()) joined.set(thumb, at * THUMB_AREA);
  return findNearPairs({ thumbs: joined, splits: Uint8Array.from(splits) });
}

describe("perceptualHashes", () => {
  test("gives for each symmetry the hash of the thumbnail so turned", async () => {
    const thumb = await thumbOf(asSharp(drawScene(1)));
    const hashes = perceptualHashes(thumb);
    for (let symmetry = 0; symmetry < SYMMETRIES; symmetry++) {
      expect(hashes[symmetry], `symmetry ${symmetry}`).toEqual(perceptualHashes(turned(thumb, symmetry))[0]);
    }
    expect(new Set(hashes.map(({ low, high }) => `${low} ${high}`)).size).toBe(SYMMETRIES);
  });
});

describe("turned", () => {
  test("turns as its names say", () => {
    const thumb = new Uint8Array(THUMB_AREA);
    thumb[3] = 200;
    const found = Array.from({ length: SYMMETRIES }, (_, symmetry) => {
      const at = turned(thumb, symmetry).indexOf(200);
      return [Math.floor(at / THUMB_SIDE), at % THUMB_SIDE];
    });
    const last = THUMB_SIDE - 1;
    // Row and column of what lay in row 0, column 3; the order is that of SYMMETRY_NAMES.
    expect(found).toEqual([
      [0, 3],
      [0, last - 3],
      [last, 3],
      [last, last - 3],
      [3, 0],
      [3, last],
      [last - 3, 0],
      [last - 3, last],
    ]);
  });
});

describe("HashIndex", () => {
  test("finds exactly the hashes within 11 bits that a comparison with all finds", () => {
    const stream = RandomStream.for(5, "data-check");
    const count = 2000;
    const low = new Uint32Array(count);
    const high = new Uint32Array(count);
    for (let at = 0; at < count; at++) {
      low[at] = stream.integer(0, 2 ** 31 - 1) * 2;
      high[at] = stream.integer(0, 2 ** 31 - 1);
      // Half of them are neighbours of an earlier one, at every distance up to 15.
      if (at % 2 === 1) {
        low[at] = low[at - 1] as number;
        high[at] = high[at - 1] as number;
        for (let bit = 0; bit < at % 16; bit++) {
          const flipped = stream.integer(0, 63);
          const words = flipped < 32 ? low : high;
          words[at] = ((words[at] as number) ^ (1 << (flipped & 31))) >>> 0;
        }
      }
    }
    const index = new HashIndex(low, high);
    for (let at = 0; at < count; at += 7) {
      const [ownLow, ownHigh] = [low[at] as number, high[at] as number];
      const found: number[] = [];
      index.within(ownLow, ownHigh, (member) => found.push(member));
      const all = Array.from({ length: count }, (_, other) => other).filter(
        (other) => hammingDistance(ownLow, ownHigh, low[other] as number, high[other] as number) <= LARGEST_DISTANCE,
      );
      expect(found.sort((a, b) => a - b)).toEqual(all);
    }
  });
});

describe("findNearPairs", () => {
  const changes: [string, (picture: Sharp) => Promise<Sharp>, number[]][] = [
    ["stored as JPEG of low quality", async (p) => sharp(await p.jpeg({ quality: 30 }).toBuffer()), [0]],
    ["half as large", async (p) => p.resize(48, 48), [0]],
    ["of another shape", async (p) => p.resize(140, 70, { fit: "fill" }), [0]],
    ["brighter and flatter", async (p) => p.linear(0.8, 45), [0]],
    ["cropped by 3 pixels of 96 on one side", async (p) => p.extract({ left: 3, top: 0, width: 93, height: 96 }), [0]],
    ["cropped by 2 pixels all around", async (p) => p.extract({ left: 2, top: 2, width: 92, height: 92 }), [0]],
    ["mirrored left to right", async (p) => p.flop(), [1]],
    ["mirrored top to bottom", async (p) => p.flip(), [2]],
    ["turned by 180°", async (p) => p.rotate(180), [3]],
    // What turned the copy, undone.
    ["turned by 90° clockwise", async (p) => p.rotate(90), [6]],
    ["turned by 90° anticlockwise", async (p) => p.rotate(270), [5]],
    [
      "turned, mirrored, brighter and stored anew",
      async (p) => sharp(await p.rotate(90).flop().linear(1.1, 5).jpeg().toBuffer()),
      [4, 7],
    ],
  ];
  test.each(changes)("finds a copy %s", async (_, change, symmetries) => {
    const others = await Promise.all([2, 3, 4].map((seed) => thumbOf(asSharp(drawScene(seed)))));
    const original = await thumbOf(asSharp(drawScene(1)));
    const changed = await change(asSharp(drawScene(1)));
    const pairs = await search([original, ...others, await thumbOf(changed)]);
    expect(pairs.map(({ first, second }) => [first, second])).toEqual([[0, 4]]);
    expect(symmetries).toContain(pairs[0]?.symmetry);
    expect(pairs[0]?.alignment.detail).toBeGreaterThan(0.94);
  });

  test("tells 300 different scenes apart", async () => {
    const thumbs = await Promise.all(
      Array.from({ length: 300 }, (_, seed) => thumbOf(asSharp(drawScene(100 + seed, 48)))),
    );
    expect(await search(thumbs)).toEqual([]);
  });

  test("empty pictures are like no other", async () => {
    expect(await search([new Uint8Array(THUMB_AREA).fill(7), new Uint8Array(THUMB_AREA).fill(7)])).toEqual([]);
  });

  test("copies within a split are not all listed, those across splits are", async () => {
    const copies = await Promise.all(
      Array.from({ length: 12 }, async (_, k) => thumbOf(asSharp(drawScene(1)).linear(1, k))),
    );
    const pairs = await search(
      copies,
      copies.map((_, k) => (k < 11 ? 1 : 4)),
    );
    expect(pairs.filter(({ second }) => second === 11)).toHaveLength(11);
    expect(pairs.filter(({ second }) => second === 10)).toHaveLength(2);
  });
});
