import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { resolveOptions, verbs } from "../../../src/config/index.ts";
import { type Evaluation, evaluate } from "../../../src/inference/evaluate.ts";
import type { Prediction } from "../../../src/inference/predictor.ts";
import type { RunEvent } from "../../../src/support/events.ts";
import { classifier, writeMicroModel, writePicture } from "../micro-models.ts";
import { at, checkpoints, cut, msmae, predictAll } from "./scene.ts";

describe("eval", () => {
  test("metrics, predictions and report agree with predict, an unreadable image counted apart", async () => {
    writeFileSync(at("data", "test", "glioma", "cut.png"), readFileSync(cut));
    const outputDir = at("evaluation");
    const argv = ["eval", "--checkpoint", checkpoints.classifier, "--data-path", at("data"), "--output-dir", outputDir];
    const { code, lines } = msmae(...argv, "--batch-size", "4");
    rmSync(at("data", "test", "glioma", "cut.png"));
    expect(code).toBe(0);
    const result = lines[0] as unknown as Evaluation;
    expect(result).toMatchObject({ n: 9, unreadable: 1, split: "test" });
    const files = classifier.classNames.flatMap((name) => [0, 1, 2].map((i) => at("data", "test", name, `${i}.png`)));
    const predictions = (await predictAll(files)) as Prediction[];
    const confusion = [0, 1, 2].map(() => [0, 0, 0]);
    predictions.forEach((line, i) => {
      const row = confusion[Math.floor(i / 3)] as number[];
      const k = classifier.classNames.indexOf(line.class);
      row[k] = (row[k] as number) + 1;
    });
    expect(result.confusion).toEqual(confusion);
    const logLoss = predictions.reduce((sum, line, i) => {
      return sum - Math.log(line.probabilities[classifier.classNames[Math.floor(i / 3)] as string] as number) / 9;
    }, 0);
    expect(result.logLoss).toBeCloseTo(logLoss, 5);
    const written = JSON.parse(readFileSync(join(outputDir, "metrics.json"), "utf8"));
    expect(written).toMatchObject({ n: 9, accuracy: result.accuracy, unreadable: ["test/glioma/cut.png"] });
    expect(written.roc).toHaveLength(3);
    const csv = readFileSync(join(outputDir, "predictions.csv"), "utf8").trimEnd().split("\n");
    expect(csv).toHaveLength(10);
    expect(csv[0]).toBe("path,class,predicted,p(glioma),p(meningioma),p(no tumour)");
    expect(csv[9]?.split(",").slice(0, 3)).toEqual(["test/no tumour/2.png", "no tumour", predictions[8]?.class]);
    const report = readFileSync(join(outputDir, "report.html"), "utf8");
    expect(report).toContain("glioma, predicted");
    expect(report).toContain("data:image/png;base64,");
  });

  test("a validation split is drawn with the checkpoint's seed, whatever --seed is", async () => {
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => void events.push(event);
    const given = { checkpoint: checkpoints.classifier, dataPath: at("data"), split: "val", valSplit: 0.4 } as const;
    const run = { workers: 0, threads: 1 };
    const expected = await evaluate(resolveOptions(verbs.evaluate, { ...given, ...run }));
    const result = await evaluate(resolveOptions(verbs.evaluate, { ...given, ...run, seed: 3 }), { onEvent });
    expect(result).toEqual(expected);
    expect(events).toContainEqual({ type: "warning", message: expect.stringContaining("seed 11, not with --seed 3") });
  });

  test("classes are matched by name, and one that the model does not know is refused", async () => {
    const root = at("renamed");
    const checkpoint = at("renamed.safetensors");
    const name = 'no tumour, or "none"';
    await writeMicroModel(checkpoint, { ...classifier, classNames: ["glioma", "meningioma", name] });
    await writePicture(join(root, "test", name, "0.png"), 1200);
    for (let i = 0; i < 10; i++) await writePicture(join(root, "test", "meningioma", `${i}.png`), 1100 + i);
    const given = {
      checkpoint,
      dataPath: root,
      workers: 0,
      threads: 1,
      outputDir: at("renamed-evaluation"),
      overwrite: true,
    };
    const { confusion } = await evaluate(resolveOptions(verbs.evaluate, given));
    expect(confusion.map((row) => row.reduce((a, b) => a + b))).toEqual([0, 10, 1]);
    // The pictures of the report: 8, of every class some.
    const report = readFileSync(at("renamed-evaluation", "report.html"), "utf8");
    const captions = report.match(/[^<>]*, predicted [^<>]* \(\d+ %\)/g) ?? [];
    expect(captions.filter((caption) => caption.startsWith("no tumour"))).toHaveLength(1);
    expect(captions.filter((caption) => caption.startsWith("meningioma"))).toHaveLength(7);
    const csv = readFileSync(at("renamed-evaluation", "predictions.csv"), "utf8").trimEnd().split("\n");
    expect(csv.at(-1)).toMatch(/^"test\/no tumour, or ""none""\/0.png","no tumour, or ""none""",/);
    await writePicture(join(root, "test", "pituitary", "0.png"), 1);
    await expect(evaluate(resolveOptions(verbs.evaluate, given))).rejects.toMatchObject({
      code: "Data",
      message: expect.stringContaining("got pituitary"),
    });
  });
});

describe("a budget of patches", () => {
  const evaluateWith = (keepRatio?: number) =>
    evaluate(
      resolveOptions(verbs.evaluate, {
        ...{ checkpoint: checkpoints.classifier, dataPath: at("data"), threads: 1, workers: 1, batchSize: 4 },
        ...(keepRatio !== undefined && { keepRatio }),
      }),
    );

  test("of all patches changes nothing, a smaller one what the classifier says", async () => {
    const [plain, whole, half] = [await evaluateWith(), await evaluateWith(1), await evaluateWith(0.5)];
    expect(whole.logLoss).toBeCloseTo(plain.logLoss, 5);
    expect(whole.confusion).toEqual(plain.confusion);
    expect(half.n).toBe(plain.n);
    expect(Math.abs(half.logLoss - plain.logLoss)).toBeGreaterThan(1e-4);
  });

  test("is taken by predict, where it says what eval was told", async () => {
    const files = classifier.classNames.map((name) => at("data", "test", name, "0.png"));
    const run = (keepRatio: number) => predictAll(files, { keepRatio }) as Promise<Prediction[]>;
    const plain = (await predictAll(files)) as Prediction[];
    const first = classifier.classNames[0] as string;
    for (const [i, line] of (await run(1)).entries()) {
      expect(line.probabilities[first]).toBeCloseTo(plain[i]?.probabilities[first] as number, 5);
    }
    const quarter = await run(0.25);
    expect(quarter.map(({ probabilities }) => probabilities[first])).not.toEqual(
      plain.map(({ probabilities }) => probabilities[first]),
    );
  });
});

describe("the clinical report", () => {
  const given = () => ({
    ...{ checkpoint: checkpoints.classifier, dataPath: at("data"), threads: 1, workers: 1, batchSize: 4 },
    ...{ report: true, outputDir: at("clinical"), overwrite: true },
  });

  test("gives intervals around the figures, calibration, and a threshold that the validation images chose", async () => {
    const plain = await evaluate(resolveOptions(verbs.evaluate, { ...given(), report: false, outputDir: undefined }));
    const result = await evaluate(resolveOptions(verbs.evaluate, { ...given(), operatingPoint: "sensitivity:0.8" }));
    expect(plain.intervals).toBeUndefined();
    expect(result).toMatchObject(plain.confusion ? { confusion: plain.confusion, logLoss: plain.logLoss } : {});
    const { value, low, high } = result.intervals?.accuracy ?? {};
    expect(value).toBe(plain.accuracy);
    expect(low).toBeLessThanOrEqual(plain.accuracy);
    expect(high).toBeGreaterThanOrEqual(plain.accuracy);
    expect(result.calibration?.perClass.map((line) => line.class)).toEqual(classifier.classNames);
    const validation = await evaluate(
      resolveOptions(verbs.evaluate, { ...given(), report: false, outputDir: undefined, split: "val" }),
    );
    expect(result.operatingPoint?.chosenOn).toBe(validation.n);
    expect(result.operatingPoint?.n).toBe(plain.n);
    for (const point of result.operatingPoint?.points ?? []) {
      expect(point.rule).toEqual({ kind: "sensitivity", atLeast: 0.8 });
      expect(point.chosen?.sensitivity).toBeGreaterThanOrEqual(0.8);
    }
    const saved = JSON.parse(readFileSync(at("clinical", "metrics.json"), "utf8"));
    expect(saved.intervals.accuracy).toEqual(result.intervals?.accuracy);
    const page = readFileSync(at("clinical", "report.html"), "utf8");
    expect(page).toContain("At a threshold chosen on validation images");
    expect(page).toContain("Slope (1 is best)");
    expect(page.match(/aria-label="(ROC|Precision-recall|Decision) curve of glioma /g)).toHaveLength(3);
    expect(saved.curves.map((curve: { class: string }) => curve.class)).toEqual(classifier.classNames);
    expect(saved.decisionCurves[0].thresholds).toHaveLength(99);
    expect(saved.reliability.some(({ low }: { low: number | null }) => low !== null)).toBe(true);
    // Points of curves are for the file.
    expect(Object.keys(result)).not.toEqual(expect.arrayContaining(["curves"]));
    expect(result).not.toHaveProperty("reliability");
    expect(result).not.toHaveProperty("decisionCurves");
  });

  test("of a budget of patches has accuracy and time on each share, as eval tells them by itself, and on all", async () => {
    const keepRatio = 0.25;
    const [plain, quarter] = [
      await evaluate(resolveOptions(verbs.evaluate, { ...given(), report: false, outputDir: undefined })),
      await evaluate(resolveOptions(verbs.evaluate, { ...given(), report: false, outputDir: undefined, keepRatio })),
    ];
    const result = await evaluate(
      resolveOptions(verbs.evaluate, { ...given(), outputDir: at("budget"), budgetCurve: [0.5, 0.25] }),
    );
    const points = result.budgetCurve ?? [];
    // Of 24 patches, and the cls token.
    expect(points.map((point) => [point.keepRatio, point.tokens])).toEqual([
      [0.25, 7],
      [0.5, 13],
      [1, 25],
    ]);
    const [first, , last] = points;
    for (const [point, { accuracy, aucMacro }] of [
      [first, quarter],
      [last, plain],
    ] as const) {
      expect(point?.accuracy.value).toBe(accuracy);
      expect(point?.aucMacro.value).toBeCloseTo(aucMacro as number, 12);
    }
    expect(last?.accuracy).toEqual(result.intervals?.accuracy);
    expect(first?.difference?.accuracy.value).toBeCloseTo(quarter.accuracy - plain.accuracy, 12);
    expect(last).not.toHaveProperty("difference");
    for (const { secondsPerImage, timing } of points) {
      expect(secondsPerImage).toBeGreaterThan(0);
      expect(timing.batch).toBe(plain.n);
    }
    for (const convention of ["thop", "fvcore"] as const) {
      const [a = 1, b = 0, c = 0] = points.map(({ flops }) => flops[convention]);
      expect(a).toBeLessThan(b);
      expect(b).toBeLessThan(c);
      expect(c).toBe(1);
    }
    const saved = JSON.parse(readFileSync(at("budget", "metrics.json"), "utf8"));
    expect(saved.budgetCurve).toEqual(points);
    const page = readFileSync(at("budget", "report.html"), "utf8");
    expect(page).toContain("On part of the patches");
    expect(page).toContain("Accuracy over time");
  });

  test("of a budget is refused without the report, and of a model that has none", async () => {
    const without = { ...given(), report: false, budgetCurve: [0.5] };
    expect(() => resolveOptions(verbs.evaluate, without)).toThrow(/budgetCurve: expected --report beside it/);
    const checkpoint = at("probe.safetensors");
    await writeMicroModel(checkpoint, { ...classifier, kind: "linear-probe" });
    const probe = { ...given(), checkpoint, outputDir: at("no budget"), budgetCurve: [0.5] };
    await expect(evaluate(resolveOptions(verbs.evaluate, probe))).rejects.toThrow(
      /--budget-curve: expected a classifier/,
    );
  });

  test("on another split than test has no operating point, and says why", async () => {
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => void events.push(event);
    const result = await evaluate(resolveOptions(verbs.evaluate, { ...given(), split: "val" }), { onEvent });
    expect(result.operatingPoint).toBeUndefined();
    expect(result.intervals?.accuracy.value).toBe(result.accuracy);
    expect(events).toContainEqual({ type: "warning", message: expect.stringContaining("no operating point") });
  });
});
