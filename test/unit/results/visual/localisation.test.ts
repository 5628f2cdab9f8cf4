import { describe, expect, test } from "vitest";
import { centreMap, type Grid, localisation } from "../../../../src/results/visual/index.ts";

const grid = (...rows: string[]): Grid => ({
  height: rows.length,
  width: rows[0]?.length ?? 0,
  data: [...rows.join("")].map(Number),
});
const corner = grid("1100", "1100", "0000", "0000");
const middle = grid("0000", "0110", "0110", "0000");
const flat = grid("5");

describe("localisation", () => {
  test("of maps that are the lesion: all inside, and above what the centre knows", () => {
    const found = localisation({ maps: [corner, corner, corner], masks: [corner, corner, corner], seed: 1 });
    expect(found).toMatchObject({ n: 3, withoutLesion: 0, groups: 3, resamples: 2000, centreSpread: 0.25 });
    expect(found.insideShare.maps.value).toBe(1);
    expect(found.auc.maps.value).toBe(1);
    expect(found.pointing.maps.value).toBe(1);
    // By symmetry a quarter of the centre's map is in a corner, and the corner is as the other three are.
    expect(found.insideShare.centre.value).toBeCloseTo(0.25, 14);
    expect(found.auc.centre.value).toBe(0.5);
    expect(found.pointing.centre.value).toBe(0.25);
    expect(found.insideShare.overCentre.value).toBeCloseTo(0.75, 14);
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  test("of a lesion at the centre the centre's map knows all, and a flat map is chance", () => {
    const found = localisation({ maps: [flat, flat], masks: [middle, middle], seed: 1 });
    for (const figure of [found.insideShare, found.auc, found.pointing]) {
      expect(figure.maps.value).toBe(figure.chance);
      expect(figure.overCentre.value).toBe((figure.maps.value as number) - (figure.centre.value as number));
    }
    expect([found.insideShare.chance, found.auc.chance, found.pointing.chance]).toEqual([0.25, 0.5, 0.25]);
    expect([found.auc.centre.value, found.pointing.centre.value]).toEqual([1, 1]);
    const dark = localisation({ maps: [grid("00", "00")], masks: [middle], seed: 1 });
    expect(dark.insideShare.maps.value).toBe(0.25);
  });

  test("the centre's map falls as a Gaussian of a quarter of either side", () => {
    const { height, width, data } = centreMap(4, 8);
    expect([height, width, data.length]).toEqual([4, 8, 32]);
    // Pixel (0, 0) is 3/8 of the height and 7/16 of the width away.
    expect(data[0]).toBeCloseTo(Math.exp(-((1.5 ** 2 + 1.75 ** 2) / 2)), 14);
    expect(data[31]).toBe(data[0]);
  });

  test("images without a lesion do not count, and patients are drawn together", () => {
    const none = grid("0000", "0000", "0000", "0000");
    const found = localisation({
      maps: [corner, middle, flat, flat],
      masks: [corner, corner, none, corner],
      groups: ["p", "p", "q", "r"],
      seed: 1,
    });
    expect(found).toMatchObject({ n: 3, withoutLesion: 1, groups: 2 });
    expect(found.pointing.perImage).toEqual([1, 0.25, null, 0.25]);
    expect(found.insideShare.perImage).toEqual([1, 0.25, null, 0.25]);
    expect(found.pointing.maps.value).toBe(0.5);
    // Patients p alone has (1 + 0.25) / 2, r alone 0.25.
    expect([found.pointing.maps.low, found.pointing.maps.high]).toEqual([0.25, 0.625]);
  });

  test("random weights are a baseline where their maps are given, on the same images", () => {
    const input = { maps: [corner, flat], masks: [corner, corner], seed: 1 };
    const found = localisation({ ...input, random: [flat, middle] });
    expect(found.insideShare.random?.value).toBe(0.25);
    expect(found.insideShare.overRandom?.value).toBeCloseTo((1 + 0.25) / 2 - 0.25, 14);
    expect(found.pointing.overRandom).toMatchObject({ low: 0, high: 0.75 });
    expect(localisation(input).insideShare).not.toHaveProperty("random");
    expect(() => localisation({ ...input, random: [flat] })).toThrow(/one mask per map/);
  });

  test("a lesion over the whole image has a share and no AUC; no lesion at all has nothing", () => {
    const whole = localisation({ maps: [flat, flat], masks: [grid("11", "11"), corner], seed: 1 });
    expect(whole.auc.perImage).toEqual([null, 0.5]);
    expect(whole.insideShare.perImage).toEqual([1, 0.25]);
    const nothing = localisation({ maps: [flat], masks: [grid("00", "00")], seed: 1 });
    expect(nothing).toMatchObject({ n: 0, withoutLesion: 1, auc: { chance: null, maps: { value: null } } });
  });

  test("values below 0 and maps without masks are refused", () => {
    const negative = { height: 1, width: 2, data: [1, -1] };
    expect(() => localisation({ maps: [negative], masks: [corner], seed: 1 })).toThrow(/localisation, map: .*got -/);
    expect(() => localisation({ maps: [flat], masks: [], seed: 1 })).toThrow(/one mask per map/);
  });
});
