import { readdirSync, readFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { resolveOptions, verbs } from "../../../src/config/index.ts";
import { attentionMaps } from "../../../src/inference/attention-maps.ts";
import { overlayMap } from "../../../src/results/visual/index.ts";
import { writePicture } from "../micro-models.ts";
import { all, at, checkpoints, classifierWeights, cut, directMap, good, msmae, pretrainedWeights } from "./scene.ts";

describe("maps", () => {
  test.each([
    ["classifier", () => classifierWeights],
    ["pretrained", () => pretrainedWeights],
  ] as const)("of a %s equal a float64 evaluation, and are drawn over the image", async (kind, weights) => {
    const outputDir = at("maps", kind);
    const files = [...good, cut];
    const given = { checkpoint: checkpoints[kind], files, outputDir, batchSize: 2, threads: 1 };
    const lines = await all(attentionMaps(resolveOptions(verbs.maps, given)));
    expect(lines.map(({ path }) => path)).toEqual(files);
    expect(lines.at(-1)).toMatchObject({ error: { code: "Data" } });
    // Two inputs are called a.png.
    expect(readdirSync(outputDir).filter((name) => name.startsWith("a"))).toEqual(
      ["a-2-attention.npy", "a-2-attention.png", "a-attention.npy", "a-attention.png"].sort(),
    );
    for (const line of lines.slice(0, -1)) {
      if ("error" in line) throw new Error(line.error.message);
      const bytes = readFileSync(line.weights);
      const start = 10 + bytes.readUInt16LE(8);
      expect(bytes.toString("latin1", 10, start)).toContain("'descr': '<f4', 'fortran_order': False, 'shape': (4, 6)");
      const map = new Float32Array(Uint8Array.from(bytes.subarray(start)).buffer);
      const direct = await directMap(line.path, weights());
      expect(map).toHaveLength(24);
      map.forEach((value, i) => {
        expect(Math.abs(value - (direct[i] as number))).toBeLessThan(1e-4);
      });
      const { data, info } = await sharp(line.overlay).raw().toBuffer({ resolveWithObject: true });
      const source = await sharp(line.path).toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height]).toEqual([source.info.width, source.info.height]);
      const picture = { width: info.width, height: info.height, data: new Uint8Array(source.data) };
      const drawn = overlayMap(picture, { height: 4, width: 6, data: direct }).data;
      const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - (drawn[i] as number))), 0);
      expect(worst).toBeLessThanOrEqual(2);
    }
  });

  test("never overwrite an input", async () => {
    const input = at("inputs", "x.png");
    const inTheWay = at("inputs", "x-attention.png");
    await writePicture(input, 1);
    await writePicture(inTheWay, 2);
    const before = readFileSync(inTheWay);
    const { code, lines } = msmae(
      ...["maps", "--checkpoint", checkpoints.classifier, "--output-dir", at("inputs"), input, inTheWay],
    );
    expect(code).toBe(0);
    expect(lines.map(({ overlay }) => overlay)).toEqual([
      at("inputs", "x-2-attention.png"),
      at("inputs", "x-attention-attention.png"),
    ]);
    expect(readFileSync(inTheWay).equals(before)).toBe(true);
  });
});
