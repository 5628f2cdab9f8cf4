import { expect, test } from "vitest";
import { fingerprintOf } from "../../../../src/curation/check/fingerprint.ts";
import { planTrial } from "../../../../src/curation/check/folds.ts";
import { probe } from "../../../../src/curation/check/probe.ts";
import { encodeNpy } from "../../../../src/formats/npy.ts";
import type { SourceImage } from "../../../../src/formats/source-image.ts";
import { TestFolder } from "./image-folder.ts";

const SIDE = 32;
/** A picture whose left half is no measurement, of any values. */
function halved(padding: number): SourceImage {
  const inLeft = (_: unknown, i: number) => i % SIDE < SIDE / 2;
  const values = Float32Array.from({ length: SIDE * SIDE }, (_, i) => (inLeft(_, i) ? padding : 100 + (i % 2) * 40));
  const unmeasured = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => Number(inLeft(_, i)));
  return { width: SIDE, height: SIDE, channels: 1, values, unmeasured, windows: [], inverted: false, levels: [0, 255] };
}

test("a fingerprint's numbers are of measured pixels alone, whatever the padding", () => {
  const { pixelHash, ...print } = fingerprintOf(halved(0), { kind: "full" }, "made");
  expect({ ...fingerprintOf(halved(255), { kind: "full" }, "made"), pixelHash: "" }).toEqual({
    ...print,
    pixelHash: "",
  });
  expect(print).toMatchObject({ mean: 120, deviation: 20, low: 100, high: 140 });
  expect([...print.histogram].filter((share) => share > 0)).toEqual([0.5, 0.5]);
  expect(print.coverage?.slice(14, 18)).toEqual(Uint8Array.of(0, 0, 255, 255));
  // Top and bottom: half of the pieces hold nothing; the left side holds nothing at all, the right one everything.
  const known = [0, 1, 2, 3].map((side) => {
    const pieces = Array.from({ length: 8 }, (_, piece) => print.border[(side * 8 + piece) * 4] as number);
    return pieces.filter((value) => !Number.isNaN(value)).length;
  });
  expect(known).toEqual([4, 4, 0, 8]);
});

test("an unknown feature says nothing about any target", () => {
  const members = Array.from({ length: 40 }, (_, i) => i);
  const related = Int32Array.from(members);
  const trial = planTrial(members, (at) => at % 2, related, { seed: 1, most: 40 });
  if (!trial) throw new Error("no trial");
  const known = probe(trial, (at) => [at % 2], 1);
  const missing = probe(trial, (at) => [at % 2 === 0 ? 5 : Number.NaN], 1);
  expect(known.balancedAccuracy).toBe(1);
  expect(missing.balancedAccuracy).toBeLessThan(0.6);
});

test("padding that stands in one class only is no shortcut", async () => {
  const folder = new TestFolder();
  try {
    for (let k = 0; k < 60; k++) {
      const sick = k % 2 === 0;
      // Grey noise around the same level; the border is no number in one class.
      const values = Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
        const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
        const border = Math.min(x, y, SIDE - 1 - x, SIDE - 1 - y) < 2;
        return sick && border ? Number.NaN : ((i * 7919 + k * 104729) % 251) + 1;
      });
      folder.put(`${k % 4 < 2 ? "train" : "test"}/${sick ? "sick" : "well"}/${k}.npy`, encodeNpy(values, [SIDE, SIDE]));
    }
    const { shortcuts } = await folder.check({ window: "range:0,255" });
    expect(shortcuts.borderProbe?.balancedAccuracy).toBeLessThan(0.75);
  } finally {
    folder.remove();
  }
});
