import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { checkSmallCase, passed, relativeError, smallBatch, smallConfig } from "../../bench/check.ts";
import { median } from "../../bench/contestant.ts";
import { roughBytes } from "../../bench/efficiency.ts";
import { batchOf, phases } from "../../bench/phases.ts";
import type { ComparisonRow, EfficiencyRow, EpochRow, Spent, Stages } from "../../bench/rows.ts";
import { differenceInFloat64 } from "../../bench/savings.ts";
import { savings } from "../../bench/savings-workloads.ts";
import { modelledEfficiency, scalingText } from "../../bench/scaling.ts";
import { comparisonTable, derivedLines, efficiencyTable, epochTable } from "../../bench/tables.ts";
import { configOf, segmenterOf, workload } from "../../bench/workload.ts";
import { sizeOf } from "../../src/engine/graph/shape.ts";
import { bench } from "./bench-program.ts";
import { writePhantoms } from "./runs.ts";

test("the model of other networks counts what each node sends, and what is copied and added", () => {
  const parts = { stepSeconds: 3, localSeconds: 0.5, gradientBytes: 1e9 };
  // Of two nodes each sends the gradients once, 0.8 s at 10 Gb/s; of four one and a half times.
  expect(modelledEfficiency(parts, 2, 10)).toBeCloseTo(3 / 4.3, 12);
  expect(modelledEfficiency(parts, 4, 10)).toBeCloseTo(3 / 4.7, 12);
  const apart = { step: { wall: 9, processor: 3 }, exchange: { wall: 1, processor: 0.5 } };
  const times = { ...apart, together: { wall: 9.5, processor: 3.75 }, gradientBytes: 1e9 };
  const job = { phase: "finetune", model: "base", batch: 4, threads: 1, exchange: "bf16", parts: 6 } as const;
  const text = scalingText(job, { ranks: 2, ...times });
  expect(text).toContain(
    "exchange of 1000 MB (bf16) 1.000 s (0.500 s of the processor); spent in steps: 90.0 % (85.7 %)",
  );
  expect(text).toContain(
    "together, in 6 parts: 9.500 s (3.750 s of the processor), of which a step alone would be 94.7 %",
  );
  // At 1 and at 10 Gb/s.
  expect(text).toContain("| 2 | 26.1 % | 69.8 % |");
  expect(scalingText(job, { ranks: 1, ...times })).not.toContain("|");
});

test("bench scaling in one process times a step of a micro model", { timeout: 120_000 }, () => {
  const { code, stdout, stderr } = bench("scaling", "--model", "micro", "--batch", "2", "--repeats", "1", "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { step, ...told } = JSON.parse(stdout) as { step: Record<string, number> };
  expect(told).toMatchObject({ phase: "finetune", model: "micro", batch: 2, threads: 1, ranks: 1 });
  expect(step.wall).toBeGreaterThan(0);
});

test("bench epoch times an epoch of a micro model from files on, and compares what it has run", async () => {
  const data = mkdtempSync(join(tmpdir(), "msmae-bench-"));
  try {
    await writePhantoms(data);
    const sizes = ["--images", "12", "--evaluated", "6", "--batch", "4", "--threads", "1", "--workers", "1"];
    const given = ["--data", join(data, "train"), "--model", "micro", "--json", join(data, "epoch.json"), ...sizes];
    const { code, stdout, stderr } = bench("epoch", ...given, "--python", "");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { runs } = JSON.parse(readFileSync(join(data, "epoch.json"), "utf8")) as EpochRow;
    expect(Object.keys(runs)).toEqual(["fp32", "int8-all, fast maps", "PyTorch eager"]);
    expect(runs["PyTorch eager"]).toEqual({ skipped: "no Python was named" });
    for (const run of Object.values(runs).slice(0, 2) as Stages[]) {
      const { maps, ...stages } = run;
      expect(maps[0]).toBeGreaterThan(0);
      for (const epochs of Object.values(stages)) {
        expect(epochs).toHaveLength(2);
        for (const [wall] of epochs) expect(wall).toBeGreaterThan(0);
      }
    }
    expect(stdout).toContain("PyTorch eager SKIPPED: no Python was named");
    const few = bench("epoch", "--data", join(data, "train"), "--model", "micro", "--images", "300");
    expect({ code: few.code, stderr: few.stderr.split("\n")[0] }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^--images: .* has 10, too few for its share of them$/),
    });
  } finally {
    rmSync(data, { recursive: true });
  }
}, 120_000);

test("an epoch is its last stages and a twentieth of the maps, beside PyTorch's", () => {
  const stages = (factor: number): Stages => ({
    maps: [20 * factor, 40 * factor],
    training: [[9, 9], ...[[3 * factor, 4 * factor] as Spent]],
    evaluation: [[9, 9], ...[[2 * factor, 2 * factor] as Spent]],
    saving: [...[[0.5 * factor, 0.5 * factor] as Spent], [9, 9]],
  });
  const runs = { fp32: stages(1), "PyTorch eager": stages(2) };
  const text = epochTable({
    ...{ data: "d", model: "base", batch: 4, images: 8, evaluated: 4 },
    threads: 1,
    workers: 1,
    runs,
  });
  expect(text).toContain(
    "| fp32 | 20.0 s (40.0 s) | 3.00 s (4.00 s) | 2.00 s (2.00 s) | 0.500 s (0.500 s) | 6.50 s (8.50 s) | 0.50 (0.50) |",
  );
});

test("bench step --json checks, times and describes a training step of a micro model", { timeout: 120_000 }, () => {
  const { code, stdout, stderr } = bench(
    ...["step", "--phase", "pretrain-attention", "--model", "micro", "--batch", "2"],
    ...["--repeats", "3", "--warmup", "1", "--json"],
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const result = JSON.parse(stdout) as Record<string, number> & Record<"allStepSeconds" | "check", unknown[]>;
  expect(result).toMatchObject({
    phase: "pretrain-attention",
    model: "micro",
    batch: 2,
    threads: 2,
    checked: true,
    provider: "cpu",
    // 64 patches, of which 28 are masked and 48 not kept.
    shapes: { patches: [16 * 2, 192], positions: [32], maskPositions: [56], targets: [56, 192], classTargets: [2, 4] },
  });
  const { stepSeconds = 0, optimizerSeconds = 0, peakRssBytes = 0 } = result;
  expect(optimizerSeconds).toBeGreaterThan(0);
  expect(stepSeconds).toBeGreaterThan(optimizerSeconds);
  expect(stepSeconds).toBe(median(result.allStepSeconds as number[]));
  expect(result.allStepSeconds).toHaveLength(3);
  expect(peakRssBytes).toBeGreaterThan(30e6);
  expect(result.check.map((row) => (row as { quantity: string }).quantity)).toEqual([
    "outputs",
    "gradients",
    "parameters",
  ]);
});

test("bench step times a segmenter's training, its running statistics checked as well", { timeout: 120_000 }, () => {
  const { code, stdout, stderr } = bench(
    ...["step", "--phase", "segment", "--model", "micro", "--batch", "2", "--repeats", "1", "--warmup", "1", "--json"],
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const result = JSON.parse(stdout) as { check: { quantity: string; tensors: number }[]; optimizerSeconds: number };
  expect(result).toMatchObject({
    checked: true,
    shapes: { patches: [2 * 64, 192], classes: [2, 1, 64, 64] },
    check: [{ quantity: "outputs" }, { quantity: "gradients" }, { quantity: "states" }, { quantity: "parameters" }],
  });
  // Two statistics of each of the head's four normalisations.
  expect(result.check[2]?.tensors).toBe(8);
  expect(result.optimizerSeconds).toBeGreaterThan(0);
});

test.each([
  [["step", "--phase", "training", "--model", "micro", "--batch", "2"], "--phase: expected one of finetune, "],
  [["step", "--phase", "maps", "--model", "micro"], "--batch: expected a whole number of at least 1, got nothing"],
  [["step", "--phase", "maps", "--model", "gigantic", "--batch", "2"], "--model: expected one of micro, "],
  [["compare", "--speed", "2"], "'--speed'"],
  [["device"], "--device: expected one of webgpu, cuda, got nothing"],
  [["all", "--models", "micro,giant"], "--models: expected one of micro, "],
  [["efficiency", "--models", "micro,giant"], "--models: expected one of micro, "],
])("bench %j is a usage error", (argv, message) => {
  const { code, stdout, stderr } = bench(...argv);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test.each(phases)("the small case of %s agrees with its float64 references", async (phase) => {
  const check = await checkSmallCase({ phase, threads: 2 });
  expect(check.every(({ tensors }) => tensors > 0)).toBe(true);
  expect(passed(check)).toBe(true);
});

test.each(["finetune", "pretrain-attention", "segment"] as const)(
  "the small case of %s with blocks computed anew agrees with its float64 references",
  async (phase) => {
    const anew = await checkSmallCase({ phase, threads: 1, recompute: true });
    expect(passed(anew), JSON.stringify(anew)).toBe(true);
  },
);

test.each(["finetune", "pretrain-attention", "segment"] as const)(
  "the small case of %s in int8 agrees with float64 references that round as it does",
  async (phase) => {
    const inInt8 = await checkSmallCase({ phase, threads: 1, precision: "int8" });
    expect(passed(inInt8), JSON.stringify(inInt8)).toBe(true);
    // And is not that of fp32 under another name.
    expect(inInt8).not.toEqual(await checkSmallCase({ phase, threads: 1 }));
    const all = await checkSmallCase({ phase, threads: 1, precision: "int8-all" });
    expect(passed(all), JSON.stringify(all)).toBe(true);
  },
);

test("a segmenter's phase is the paper's: taps, width, two classes and Adam with a coupled penalty", () => {
  expect(segmenterOf(configOf("tiny"))).toMatchObject({
    ...{
      taps: [3, 5, 7, 11],
      head: "setr-pup",
      headWidth: 256,
      inputHeight: 224,
      numClasses: 2,
      deepSupervision: false,
    },
  });
  expect(batchOf("tiny", "segment")).toBe(8);
  const { optimizer, specs, learningRate } = workload("segment", smallConfig, smallBatch);
  expect(learningRate).toBe(1e-4);
  expect([...(optimizer?.groups.values() ?? [])]).toEqual(
    specs.filter(({ role }) => role === "trainable").map(() => ({ lrScale: 1, weightDecay: 0, l2: 1e-4 })),
  );
});

test("networks are trained as fine-tuning trains them, the same for every vision transformer's size", () => {
  expect([batchOf("tiny", "train-resnet"), batchOf("base", "train-swin")]).toEqual([16, 16]);
  expect(configOf("tiny").networks).toEqual(configOf("base").networks);
  const { optimizer, specs } = workload("train-swin", smallConfig, smallBatch);
  for (const { name, shape, role } of specs.filter((spec) => spec.role === "trainable")) {
    const decays = shape.length >= 2 && !name.endsWith("relative_position_bias_table");
    expect(optimizer?.groups.get(name), role).toEqual({ lrScale: 1, weightDecay: decays ? 0.05 : 0 });
  }
});

test("bench efficiency runs both methods of a model in turn, each in a process of its own", {
  timeout: 120_000,
}, () => {
  const file = join(mkdtempSync(join(tmpdir(), "msmae-bench-")), "rows.json");
  const { code, stdout } = bench(
    ...["efficiency", "--models", "micro", "--batch", "2", "--threads", "1", "--repeats", "3", "--warmup", "1"],
    ...["--json", file],
  );
  expect(code).toBe(0);
  const { rows, checked, checks } = JSON.parse(readFileSync(file, "utf8"));
  rmSync(dirname(file), { recursive: true });
  expect([checked, Object.keys(checks)]).toEqual([true, ["finetune-full", "finetune", "infer-full", "infer-masked"]]);
  const told = rows.map(({ method, phase, tokens }: EfficiencyRow) => [method, phase, tokens]);
  expect(told).toEqual([
    ["mae", "finetune-full", 65],
    ["msmae", "finetune", 17],
    ["mae", "infer-full", 65],
    ["msmae", "infer-masked", 17],
  ]);
  for (const { timing } of rows) {
    expect(timing.allStepSeconds).toHaveLength(3);
    expect(timing.imagesPerSecond).toBeCloseTo(2 / timing.stepSeconds, 9);
    expect(timing.peakRssBytes).toBeGreaterThan(30e6);
  }
  expect(stdout.split("\n")[2]).toMatch(/^\| micro \| fine-tuning \| 2 \| 65 \/ 17 \| /);
});

test("the efficiency table has both conventions' ratios, and says what memory did not allow", () => {
  const row = { model: "huge", batch: 4, threads: 2, work: "fine-tuning" } as const;
  const side = (method: "mae" | "msmae", stepSeconds: number, tokens: number, multiplyAdds: number) => ({
    ...{ ...row, method, tokens, phase: "finetune" as const },
    multiplyAdds: { thop: multiplyAdds * 1e9, fvcore: 2 * multiplyAdds * 1e9 },
    timing: {
      ...{ stepSeconds, imagesPerSecond: 4 / stepSeconds, optimizerSeconds: 0, peakRssBytes: 1e9 * stepSeconds },
      processorSeconds: 2 * stepSeconds,
      ...{ allStepSeconds: [stepSeconds], allOptimizerSeconds: [0] },
    },
  });
  const rows = [side("mae", 4, 257, 8), side("msmae", 1, 65, 2)];
  expect(efficiencyTable(rows).split("\n")[2]).toBe(
    "| huge | fine-tuning | 4 | 257 / 65 | 4.00 s / 1.00 s | 25.0 % | 1.00 / 4.00 | 4.00 GB / 1.00 GB | 8.000 / 2.000 | 25.0 % | 16.000 / 4.000 | 25.0 % |",
  );
  const skipped = efficiencyTable(rows.map((one) => ({ ...one, timing: { skipped: "too large" } })));
  expect(skipped).toContain("| SKIPPED / SKIPPED | – | SKIPPED / SKIPPED | – / – |");
  expect(skipped).toContain("SKIPPED: huge, fine-tuning: too large");
});

test("the memory that a step will need is guessed a little above the measured peaks of docs/performance.md", () => {
  const guessed = (model: string, work: "fine-tuning" | "inference", batch: number, tokens: number) =>
    roughBytes(configOf(model), work, batch, tokens) / 1e9;
  for (const [guess, measured] of [
    [guessed("base", "fine-tuning", 32, 50), 2.91],
    [guessed("tiny", "fine-tuning", 32, 50), 0.74],
    [guessed("base", "inference", 16, 197), 0.76],
    [guessed("tiny", "inference", 32, 197), 0.37],
  ] as const) {
    expect(guess / measured).toBeGreaterThan(1);
    expect(guess / measured).toBeLessThan(1.5);
  }
});

test("a difference is relative to the largest expected element, and what cannot be compared is infinite", () => {
  expect(relativeError([1, -3.5], [1, -4])).toBe(0.125);
  expect(relativeError([1, -3.5], [1, -4], [2, -1])).toBe(0.25);
  expect(relativeError([0.5], [0])).toBe(0.5);
  expect(relativeError([Number.NaN, 1], [1, 1])).toBe(Number.POSITIVE_INFINITY);
  expect(relativeError([1], [1, 1])).toBe(Number.POSITIVE_INFINITY);
  expect(passed([{ quantity: "outputs", tensors: 1, maxError: 2e-5, tolerance: 1e-5 }])).toBe(false);
});

test.each(savings.flatMap((saving) => ("graphs" in saving ? [saving] : [])))(
  "saving $name: the same results in float64 from less work",
  ({ graphs }) => {
    expect(differenceInFloat64(graphs)).toBeLessThan(1e-11);
    const [less, more] = [graphs.with, graphs.without].map((make) => {
      const { graph } = make(smallConfig, smallBatch);
      return graph.nodes.flatMap(({ outputs }) => outputs).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    }) as [number, number];
    expect(less).toBeLessThan(more);
  },
);

test("the comparison's table says what was skipped and why, and the lines below it follow from the rows", () => {
  const timing = (stepSeconds: number, optimizerSeconds = 0) => ({
    feedSeconds: 0.02,
    stepSeconds,
    optimizerSeconds,
    peakRssBytes: 2.5e9,
    processorSeconds: 2 * stepSeconds,
    allStepSeconds: [stepSeconds],
    allOptimizerSeconds: [optimizerSeconds],
  });
  const job = { model: "base", batch: 16, threads: 2 };
  const ratio = (wall: number) => ({ wall, processor: wall / 2, memory: 1 });
  const rows: ComparisonRow[] = [
    {
      ...{ ...job, phase: "maps" },
      timings: { ours: timing(2), eager: timing(3.5), best: { skipped: "no compiler" } },
      ratios: { "ours/eager": ratio(0.5) },
    },
    {
      ...{ ...job, phase: "infer-full", ratios: {} },
      timings: { ours: timing(2.5), eager: timing(3), best: timing(2) },
    },
    {
      ...{ ...job, phase: "infer-masked", ratios: {} },
      timings: { ours: timing(0.5), eager: timing(1), best: timing(1) },
    },
    {
      ...{ ...job, phase: "finetune" },
      timings: {
        ...{ ours: timing(2, 0.05), int8: timing(1.5, 0.05) },
        "int8-all": timing(1.25),
        eager: timing(4),
        best: timing(3),
      },
      ratios: {
        "ours/best": ratio(0.66),
        "int8/eager": ratio(0.4),
        "int8/best": ratio(0.5),
        "int8-all/eager": ratio(0.3),
      },
    },
  ];
  const lines = comparisonTable(rows).split("\n");
  expect(lines[2]).toBe(
    "| base | maps | 16 | 2.00 s | – | – | – | 0.0200 s | 3.50 s | SKIPPED | 0.50 (0.25) | – | – | – | – | 2.50 GB / – / – / 2.50 GB / – |",
  );
  expect(lines[5]).toContain(
    "| 2.00 s | 1.50 s | 1.25 s | 0.0500 s (2.5 %) | 0.0200 s | 4.00 s | 3.00 s | – | 0.66 (0.33) | 0.40 (0.20) | 0.50 (0.25) | 0.30 (0.15) |",
  );
  const inBf16 = { ...(rows[3] as ComparisonRow), timings: { ...rows[3]?.timings, bf16: timing(2) } };
  inBf16.ratios = { "int8-all/bf16": ratio(0.8) };
  expect(comparisonTable([inBf16]).split("\n")[2]).toMatch(
    /4\.00 s \| 3\.00 s \| 2\.00 s \|.* 0\.80 \(0\.40\) \| 2\.50 GB/,
  );
  expect(lines).toContain("SKIPPED: no compiler");
  expect(derivedLines(rows)).toEqual([
    "base: masked inference takes 80.0 % less time than full inference.",
    "base: the map pass is 1.50 times as fast as PyTorch eager's full forward pass.",
  ]);
});
