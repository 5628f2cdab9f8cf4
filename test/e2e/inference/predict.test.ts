import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { resolveOptions, verbs } from "../../../src/config/index.ts";
import { encodeNpy } from "../../../src/formats/npy.ts";
import { predict } from "../../../src/inference/predict.ts";
import type { Prediction } from "../../../src/inference/predictor.ts";
import type { FileFailure } from "../../../src/inference/read-files.ts";
import { inspect } from "../../../src/interop/inspect.ts";
import { writeSafetensorsFile } from "../../../src/interop/safetensors-file.ts";
import type { RunEvent } from "../../../src/support/events.ts";
import { classifier, writeMicroModel } from "../micro-models.ts";
import { all, at, checkpoints, classifierWeights, cut, directProbabilities, good, msmae, predictAll } from "./scene.ts";

describe("predict", () => {
  test("gives the probabilities of a float64 evaluation within 1e-4, for colour, grey, JPEG and WebP files", async () => {
    const lines = (await predictAll(good)) as Prediction[];
    expect(lines.map(({ path }) => path)).toEqual(good);
    const winners = new Set<string>();
    for (const line of lines) {
      const direct = await directProbabilities(line.path);
      expect(Object.keys(line.probabilities)).toEqual(classifier.classNames);
      Object.values(line.probabilities).forEach((value, k) => {
        expect(Math.abs(value - (direct[k] as number))).toBeLessThan(1e-4);
      });
      expect(line.class).toBe(classifier.classNames[direct.indexOf(Math.max(...direct))]);
      winners.add(Object.values(line.probabilities).join());
    }
    expect(winners.size).toBe(good.length);
  });

  test("gives the same in batches of 1, 2, 3 and 16", async () => {
    const expected = (await predictAll(good, { batchSize: 16 })) as Prediction[];
    for (const batchSize of [1, 2, 3]) {
      const lines = (await predictAll(good, { batchSize })) as Prediction[];
      lines.forEach((line, i) => {
        expect(line.path).toBe(good[i]);
        for (const [name, value] of Object.entries(line.probabilities)) {
          expect(value).toBeCloseTo(expected[i]?.probabilities[name] as number, 5);
        }
      });
    }
  });

  test("a truncated image, a folder and a missing file have error lines in their places; the others go on", async () => {
    const [a, b] = good as [string, string];
    mkdirSync(at("empty"), { recursive: true });
    const files = [cut, a, at("empty"), at("none.dcm"), b];
    for (const batchSize of [1, 2, 16]) {
      const lines = await predictAll(files, { batchSize });
      expect(lines.map(({ path }) => path)).toEqual(files);
      expect(lines.map((line) => ("error" in line ? line.error.code : "ok"))).toEqual([
        "Data",
        "ok",
        "Data",
        "Data",
        "ok",
      ]);
      const messages = lines.map((line) => ("error" in line ? line.error.message : ""));
      expect(messages[2]).toContain("expected an image file, got a folder without images");
      expect(messages[3]).toContain("got nothing of this name; check the path");
      const direct = await directProbabilities(b);
      expect((lines[4] as Prediction).probabilities.glioma).toBeCloseTo(direct[0] as number, 4);
    }
  });

  test("a folder stands for the images in it; pages of a file have a line each, by the rule asked for", async () => {
    const folder = at("nested");
    mkdirSync(join(folder, "deeper"), { recursive: true });
    copyFileSync(good[0] as string, join(folder, "deeper", "z.png"));
    writeFileSync(join(folder, "notes.txt"), "no image");
    const pages = join(folder, "pages.npy");
    writeFileSync(
      pages,
      encodeNpy(
        Float32Array.from({ length: 3 * 20 * 30 }, (_, i) => i),
        [3, 20, 30],
      ),
    );
    const names = async (slices: string) =>
      (await predictAll([folder], { slices })).map(({ path, slice }) => [relative(folder, path), slice]);
    const first = [join("deeper", "z.png"), undefined];
    expect(await names("all")).toEqual([first, ["pages.npy", 0], ["pages.npy", 1], ["pages.npy", 2]]);
    expect(await names("middle")).toEqual([first, ["pages.npy", 1]]);
  });

  test("--by-file gives a line for a file of several pages, from those of its pages", async () => {
    const pages = at("by-file.npy");
    const values = Float32Array.from({ length: 3 * 20 * 30 }, (_, i) => (i * 7919) % 1000);
    writeFileSync(pages, encodeNpy(values, [3, 20, 30]));
    const each = (await predictAll([pages])) as Prediction[];
    const argv = ["predict", "--checkpoint", checkpoints.classifier, pages, good[0] as string] as const;
    const { code, lines } = msmae(...argv, "--by-file", "mean");
    expect(code).toBe(0);
    expect(lines.map(({ path, slices }) => [path, slices])).toEqual([
      [pages, 3],
      [good[0], 1],
    ]);
    const { probabilities } = lines[0] as unknown as Prediction;
    for (const [name, probability] of Object.entries(probabilities)) {
      const mean = each.reduce((sum, line) => sum + (line.probabilities[name] as number), 0) / 3;
      expect(probability).toBeCloseTo(mean, 6);
    }
    const refused = msmae(...argv, "--by-file", "top-0");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("mean, max or top-K")]);
  });

  test("files that all fail give error lines alone", async () => {
    const lines = (await predictAll([cut, at("none.png")])) as FileFailure[];
    expect(lines.map(({ error }) => error.code)).toEqual(["Data", "Data"]);
  });

  test("the command writes a line per file and ends well; with no readable file it exits 3", () => {
    const { code, lines } = msmae("predict", "--checkpoint", checkpoints.classifier, cut, good[1] as string);
    expect(code).toBe(0);
    expect(lines[0]).toMatchObject({ path: cut, error: { code: "Data" } });
    expect(lines[1]).toMatchObject({ path: good[1], class: expect.any(String) });
    expect(msmae("predict", "--checkpoint", checkpoints.classifier, cut).code).toBe(3);
  });

  test("refuses a pre-trained checkpoint by name, with exit code 4", () => {
    const { code, stderr } = msmae("predict", "--checkpoint", checkpoints.pretrained, good[0] as string);
    expect(code).toBe(4);
    expect(stderr).toContain(
      "expected a classifier, a segmenter or a linear probe, got a pre-trained model; use a checkpoint written by msmae finetune",
    );
  });

  test("stops when the signal fires", async () => {
    const controller = new AbortController();
    const lines = predict(
      resolveOptions(verbs.predict, { checkpoint: checkpoints.classifier, files: good, batchSize: 1, threads: 1 }),
      { signal: controller.signal },
    );
    await lines.next();
    controller.abort(new Error("enough"));
    await expect(all(lines)).rejects.toThrow("enough");
  });
});

describe("checkpoints", () => {
  test.each([
    [{ classNames: ["a", "b"] }, "2 class names for 3 classes"],
    [{ mean: [0.5, 0.5] }, "mean of 2 channels"],
    [{ std: [0.2, 0, 0.2] }, "std [0.2, 0, 0.2]"],
  ])("a description with %j is refused", async (change, problem) => {
    const path = at("faulty.safetensors");
    await writeMicroModel(path, { ...classifier, ...change });
    const lines = all(predict(resolveOptions(verbs.predict, { checkpoint: path, files: good })));
    await expect(lines).rejects.toMatchObject({ code: "Checkpoint", message: expect.stringContaining(problem) });
  });

  test("one that lacks a weight is refused; with allowPartial it starts anew, with a warning", async () => {
    const path = at("partial.safetensors");
    const whole = at("whole.safetensors");
    const key = "blocks.0.norm1.weight";
    const shapes = new Map((await inspect(checkpoints.classifier)).keys.map((tensor) => [tensor.key, tensor.shape]));
    const metadata = { msmae: JSON.stringify(classifier) };
    const stored = [...classifierWeights].map(
      ([name, data]) => [name, { data, shape: shapes.get(name) ?? [] }] as const,
    );
    await writeSafetensorsFile(path, new Map(stored.filter(([name]) => name !== key)), metadata);
    const fresh = { data: new Float32Array(16).fill(1), shape: [16] };
    await writeSafetensorsFile(whole, new Map([...stored, [key, fresh] as const]), metadata);
    const given = { checkpoint: path, files: good, threads: 1 };
    await expect(all(predict(resolveOptions(verbs.predict, given)))).rejects.toThrow(`1 missing (${key})`);
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => void events.push(event);
    const lines = await all(predict(resolveOptions(verbs.predict, { ...given, allowPartial: true }), { onEvent }));
    expect(lines).toEqual(await all(predict(resolveOptions(verbs.predict, { ...given, checkpoint: whole }))));
    expect(events[0]).toMatchObject({ type: "warning", message: expect.stringContaining(`1 missing (${key})`) });
  });
});
