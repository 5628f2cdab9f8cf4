import { describe, expect, test } from "vitest";
import {
  drawnFates,
  fatesIn,
  type LesionFates,
  lesionPatches,
  meanFates,
  uniformFates,
} from "../../../src/experiments/lesion-fates.ts";
import { randomOrder, selectFromAttentionOrder } from "../../../src/method/masking/index.ts";
import { RandomStream } from "../../../src/support/random.ts";

/** A mask of rows of digits. */
const mask = (...rows: string[]) => ({
  height: rows.length,
  width: rows[0]?.length ?? 0,
  data: Uint8Array.from(rows.join(""), Number),
});

describe("the patches of a lesion", () => {
  test("are those of which it covers a quarter at least", () => {
    // Of the four patches 4, 1, 0 and 0 of 4 pixels.
    expect(lesionPatches(mask("1110", "1100", "0000", "0000"), { height: 2, width: 2 })).toEqual([0, 1]);
    // Rows and columns are not mixed up: the left of two, the third of three.
    expect(lesionPatches(mask("00", "00", "10"), { height: 3, width: 2 })).toEqual([4]);
  });

  test("are the one of which it covers most, where it covers a quarter of none", () => {
    const small = mask("00010000", "00001100", "00000000", "00000000");
    expect(lesionPatches(small, { height: 1, width: 2 })).toEqual([1]);
  });

  test("are none where nothing is outlined, and any pixel that a patch has where the mask is coarser than the patches", () => {
    expect(lesionPatches(mask("00", "00"), { height: 2, width: 2 })).toEqual([]);
    expect(lesionPatches(mask("01"), { height: 1, width: 4 })).toEqual([3]);
  });
});

describe("what masking does to a lesion", () => {
  const counts = { masked: 2, thrown: 1, kept: 3 };
  const own = (fates: Partial<LesionFates>): LesionFates => ({ masked: 0, thrown: 0, kept: 0, hidden: 0, ...fates });

  test("is told in shares of its patches, and hidden means that none is kept", () => {
    const selection = selectFromAttentionOrder(Uint32Array.of(5, 3, 0, 1, 2, 4), counts);
    expect(fatesIn(selection, [3, 0, 1, 2])).toEqual(own({ masked: 0.25, thrown: 0.25, kept: 0.5 }));
    expect(fatesIn(selection, [3, 0])).toEqual(own({ masked: 0.5, thrown: 0.5, hidden: 1 }));
  });

  test("drawn by a map that is 0 outside of the lesion is certain, and the other way round where the attended is kept", () => {
    const map = Float32Array.of(0, 0.2, 0, 0, 0.9, 0);
    const how = { counts, seed: 4, draws: 5 };
    const by = (attended: "hide" | "keep" | "alternate", randomShare = 0) =>
      drawnFates(map, [1, 4], 0, { ...how, policy: { attended, randomShare } });
    expect(by("hide")).toEqual(own({ masked: 1, hidden: 1 }));
    expect(by("keep")).toEqual(own({ kept: 1 }));
    const alternating = drawnFates(map, [1, 4], 0, {
      ...{ counts, seed: 4, draws: 400 },
      policy: { attended: "alternate", randomShare: 0 },
    });
    // 400 coins: a standard deviation is 0.025.
    expect(alternating.kept).toBeGreaterThan(0.4);
    expect(alternating.kept).toBeLessThan(0.6);
    expect(alternating.masked).toBe(alternating.hidden);
    expect(by("hide", 1)).not.toEqual(by("hide"));
  });

  test("draws anew by seed, draw and image, and the same for the same", () => {
    const map = Float32Array.from({ length: 16 }, (_, patch) => 1 + (patch % 3));
    const of = (seed: number, image: number) =>
      drawnFates(map, [0, 5, 6, 7, 9], image, {
        ...{ counts: { masked: 7, thrown: 5, kept: 4 }, seed, draws: 9 },
        policy: { attended: "hide", randomShare: 0 },
      });
    expect(of(1, 2)).toEqual(of(1, 2));
    expect(of(1, 3)).not.toEqual(of(1, 2));
    expect(of(2, 2)).not.toEqual(of(1, 2));
  });

  test("of uniform drawing is what many draws come to", () => {
    // Of 20 sets of 3 patches that are kept, 4 have neither of two given ones.
    expect(uniformFates(counts, 2)).toEqual({ masked: 2 / 6, thrown: 1 / 6, kept: 3 / 6, hidden: (3 / 6) * (2 / 5) });
    expect(uniformFates(counts, 4).hidden).toBe(0);
    const draws = Array.from({ length: 4000 }, (_, draw) =>
      fatesIn(selectFromAttentionOrder(randomOrder(6, RandomStream.for(7, "evaluation", draw)), counts), [1, 4]),
    );
    const [found, expected] = [meanFates(draws), uniformFates(counts, 2)];
    // Four standard deviations of a share over 4,000 draws are 0.03 at most.
    for (const name of ["masked", "thrown", "kept", "hidden"] as const) {
      expect(Math.abs(found[name] - expected[name])).toBeLessThan(0.03);
    }
  });
});
