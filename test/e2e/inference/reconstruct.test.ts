import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { resolveOptions, verbs } from "../../../src/config/index.ts";
import { wholeImage } from "../../../src/geometry/geometry.ts";
import { reconstruct } from "../../../src/inference/reconstruct.ts";
import type { PretrainedDescription } from "../../../src/interop/model-file.ts";
import { patchWeights } from "../../../src/method/masking/patch-weights.ts";
import { attentionOrder } from "../../../src/method/masking/selection.ts";
import { patchCount } from "../../../src/method/models/config.ts";
import { RandomStream } from "../../../src/support/random.ts";
import { pretrained, writeMicroModel } from "../micro-models.ts";
import { all, at, checkpoints, direct, directMap, good, msmae, pretrainedWeights } from "./scene.ts";

describe("reconstruct", () => {
  const patches = patchCount(pretrained.config);
  const given = () => ({
    checkpoint: checkpoints.pretrained,
    files: good,
    outputDir: at("panels"),
    overwrite: true,
    threads: 1,
    seed: 5,
  });

  test("random masking: losses equal a float64 evaluation of the same patches", async () => {
    const lines = await all(
      reconstruct(
        resolveOptions(verbs.reconstruct, { ...given(), masking: "random", randomMaskRatio: 0.6, batchSize: 2 }),
      ),
    );
    for (const [index, line] of lines.entries()) {
      if ("error" in line) throw new Error(line.error.message);
      const order = RandomStream.for(5, "evaluation", index).permutation(patches);
      // floor(24 · 0.4) = 9 kept.
      const expected = await direct(line.path, { kept: order.slice(0, 9), masked: order.slice(9) });
      expect(Math.abs(line.loss / expected.loss - 1)).toBeLessThan(1e-4);
    }
  });

  test("attention masking: by the image's own map, the same whatever the batch size", async () => {
    const options4 = resolveOptions(verbs.reconstruct, { ...given(), maskRatio: 0.3, throwRatio: 0.2, batchSize: 4 });
    const lines = await all(reconstruct(options4));
    const again = await all(reconstruct({ ...options4, batchSize: 1 }));
    for (const [index, line] of lines.entries()) {
      const other = again[index];
      if ("error" in line || !other || "error" in other) throw new Error("expected reconstructions");
      const map = Float32Array.from(await directMap(line.path, pretrainedWeights));
      const weights = patchWeights(map, wholeImage(32, 48), { ...pretrained.config, mapCrop: "aligned" });
      const { order } = attentionOrder(weights, RandomStream.for(5, "evaluation", index));
      // floor(24 · 0.3) = 7 masked, floor(24 · 0.5) = 12 masked or thrown.
      const masked = order.slice(0, 7);
      const expected = await direct(line.path, { masked, kept: order.slice(12) });
      expect(Math.abs(line.loss / expected.loss - 1)).toBeLessThan(1e-4);
      const { data, info } = await sharp(line.image).raw().toBuffer({ resolveWithObject: true });
      expected.pixels.forEach((value, i) => {
        const [patch, place] = [masked[Math.floor(i / 192)] as number, Math.floor((i % 192) / 3)];
        const x = 104 + (patch % 6) * 8 + (place % 8);
        const y = Math.floor(patch / 6) * 8 + Math.floor(place / 8);
        expect(Math.abs((data[(y * info.width + x) * 3 + (i % 3)] as number) - value)).toBeLessThan(0.6);
      });
      expect(other.loss).toBeCloseTo(line.loss, 5);
    }
  });

  test("a model that was shown what is attended is shown it here too", async () => {
    const shown: PretrainedDescription = { ...pretrained, attended: "keep" };
    const checkpoint = at("shown.safetensors");
    await writeMicroModel(checkpoint, shown);
    const options = { ...given(), checkpoint, maskRatio: 0.3, throwRatio: 0.2 };
    for (const [index, line] of (await all(reconstruct(resolveOptions(verbs.reconstruct, options)))).entries()) {
      if ("error" in line) throw new Error(line.error.message);
      const map = Float32Array.from(await directMap(line.path, pretrainedWeights));
      const weights = patchWeights(map, wholeImage(32, 48), { ...pretrained.config, mapCrop: "aligned" });
      const { order } = attentionOrder(weights, RandomStream.for(5, "evaluation", index));
      const expected = await direct(line.path, { kept: order.slice(0, 12), masked: order.slice(12, 19) });
      expect(Math.abs(line.loss / expected.loss - 1)).toBeLessThan(1e-4);
    }
  });

  test("the panel shows the input, what was kept, and the kept patches unchanged in the reconstruction", async () => {
    const [line] = await all(reconstruct(resolveOptions(verbs.reconstruct, { ...given(), files: good.slice(0, 1) })));
    if (!line || "error" in line) throw new Error("expected a reconstruction");
    const { data, info } = await sharp(line.image).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([3 * 48 + 2 * 4, 32]);
    const pixel = (x: number, y: number) =>
      data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3).join();
    const counts = { kept: 0, masked: 0, thrown: 0 };
    for (let patch = 0; patch < patches; patch++) {
      const corners = [0, 7].flatMap((dy) =>
        [0, 7].map((dx) => [(patch % 6) * 8 + dx, Math.floor(patch / 6) * 8 + dy]),
      );
      const same = (left: number, right: number) =>
        corners.every(([x = 0, y = 0]) => pixel(left + x, y) === pixel(right + x, y));
      if (same(0, 52)) {
        counts.kept++;
        expect(same(0, 104)).toBe(true);
      } else if (corners.every(([x = 0, y = 0]) => pixel(52 + x, y) === "128,128,128")) {
        counts.masked++;
        expect(same(52, 104)).toBe(false);
      } else {
        counts.thrown++;
        expect(same(52, 104)).toBe(true);
      }
    }
    // floor(24 · 0.45) = 10 masked, floor(24 · 0.75) − 10 = 8 thrown.
    expect(counts).toEqual({ kept: 6, masked: 10, thrown: 8 });
  });

  test("ratios that mask nothing of this model's patches, and classifiers, are refused", async () => {
    const none = all(reconstruct(resolveOptions(verbs.reconstruct, { ...given(), maskRatio: 0.01 })));
    await expect(none).rejects.toMatchObject({ code: "Config", message: expect.stringContaining("--mask-ratio") });
    const { code, stderr } = msmae(
      ...["reconstruct", "--checkpoint", checkpoints.classifier, "--output-dir", at("none"), good[0] as string],
    );
    expect(code).toBe(4);
    expect(stderr).toContain("expected a pre-trained model with its decoder, got a classifier");
  });
});
