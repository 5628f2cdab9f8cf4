import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import type { Contestant, Skipped } from "../../bench/contestant.ts";
import { judged, mergedBars } from "../../bench/guard.ts";
import { ratiosOf, startedInTurn } from "../../bench/in-turn.ts";
import { cpuClassOf, featuresIn, hasBfloat16 } from "../../bench/machine.ts";
import { deviceTable, guardTable } from "../../bench/tables.ts";
import { driver } from "../support/webgpu-child.ts";
import { bench } from "./bench-program.ts";

test("bench recompute keeps blocks and computes them anew in the precision asked for", { timeout: 120_000 }, () => {
  const job = ["--model", "micro", "--batch", "2", "--precision", "int8-all", "--repeats", "1", "--warmup", "1"];
  const { code, stdout, stderr } = bench("recompute", ...job, "--python", "no-such-python");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const rows = stdout.split("\n").filter((line) => line.startsWith("| micro"));
  const figures = String.raw`\| [\d.e-]+ s \| [\d.e-]+ s \| [\d.]+ GB \| – \| – \|$`;
  for (const [i, way] of ["kept", "anew"].entries()) {
    expect(rows[i]).toMatch(new RegExp(String.raw`^\| micro \| finetune \| 2 \| 2 \| int8-all \| ${way} ${figures}`));
  }
  expect(rows[2]).toContain("| fp32 | anew, PyTorch eager | SKIPPED |");
  expect(rows).toHaveLength(4);
  expect(stdout).toMatch(/SKIPPED: .*no-such-python/);
});

test("what a graphics card runs is told by contender, and who could not run why", () => {
  const timing = (stepSeconds: number, cardBytes: number | null) => ({
    ...{ stepSeconds, processorSeconds: 1, optimizerSeconds: 0, peakRssBytes: 1, cardBytes },
    ...{ allStepSeconds: [], allOptimizerSeconds: [] },
  });
  const timings = {
    "ours, fp32": timing(0.5, 3.21e9),
    "ours, fp16": timing(0.2, null),
    "PyTorch on CUDA, eager": { skipped: "no card" },
  };
  const job = { model: "base", phase: "finetune", batch: 32, threads: 2, device: "webgpu" } as const;
  const lines = deviceTable({ ...job, card: "X", timings }).split("\n");
  expect(lines.slice(2)).toEqual([
    "| base | finetune | 32 | webgpu | ours, fp32 | 0.500 s | 64.0 | 1.00 | 3.21 GB |",
    "| base | finetune | 32 | webgpu | ours, fp16 | 0.200 s | 160 | 0.40 | – |",
    "| base | finetune | 32 | cuda | PyTorch on CUDA, eager | SKIPPED | – | – | – |",
    "",
    "PyTorch on CUDA, eager SKIPPED: no card",
  ]);
});

const withoutAdapter = existsSync(driver) ? "" : ` SKIPPED: no ${driver}`;
test.skipIf(withoutAdapter)(
  `bench device checks and times a micro model on WebGPU${withoutAdapter}`,
  { timeout: 300_000 },
  () => {
    const job = ["--device", "webgpu", "--model", "micro", "--batch", "2", "--repeats", "1", "--warmup", "1"];
    const { code, stdout } = bench("device", ...job, "--python", "no-such-python");
    const rows = stdout.split("\n").filter((line) => line.startsWith("| micro"));
    expect(rows[0]).toMatch(/^\| micro \| finetune \| 2 \| webgpu \| ours, fp32 \| [\d.e-]+ s \| [\d.]+ \| 1.00 \| /);
    // Either it has 16-bit floats or says that it has none.
    expect(rows[1]).toMatch(/ours, fp16 \| ([\d.e-]+ s \| [\d.]+ \| [\d.]+|SKIPPED \| – \| –) \|/);
    expect(rows).toHaveLength(5);
    expect(stdout).toMatch(/PyTorch on CUDA, bf16 SKIPPED: .*no-such-python/);
    expect(code).toBe(0);
  },
);

test("whoever would find too little memory beside those that have started is left out", async () => {
  let free = 10e9;
  const started: string[] = [];
  const start = async (name: string): Promise<Contestant | Skipped> => {
    started.push(name);
    if (name === "no PyTorch") return { skipped: name };
    // Memory is taken by the first step.
    const step = async () => {
      free -= name === "large" ? 4e9 : 2e9;
      return { stepSeconds: 1, processorSeconds: 1, optimizerSeconds: 0 };
    };
    return { step, finish: async () => ({ peakRssBytes: 0 }) };
  };
  const names = ["no PyTorch", "small", "large", "next", "last"];
  const all = await startedInTurn(names, start, () => free);
  expect(started).toEqual(["no PyTorch", "small", "large", "next"]);
  expect([...all.keys()]).toEqual(names);
  expect(all.get("last")).toEqual({
    skipped: "last needs about 4.0 GB, of which 2.0 GB are free; a smaller --batch needs less",
  });
});

test("steps that were taken in turn are compared pair by pair, in both kinds of time", () => {
  const step = (stepSeconds: number, processorSeconds: number) => ({
    ...{ stepSeconds, processorSeconds, optimizerSeconds: 0 },
  });
  expect(ratiosOf([step(1, 3), step(6, 4)], [step(2, 6), step(3, 2)])).toEqual({ wall: [0.5, 2], processor: [0.5, 2] });
});

test("a processor's class follows from its maker and the instructions that /proc/cpuinfo names", () => {
  const features = featuresIn(
    "model name\t: X\nflags\t\t: fpu avx2 fma avx512f avx512_vnni\nbugs\t: none\nflags\t: fpu\n",
  );
  expect(features).toEqual(["avx2", "fma", "avx512f", "avx512_vnni"]);
  expect(featuresIn("Features\t: fp asimd i8mm bf16\n")).toEqual(["asimd", "i8mm", "bf16"]);
  expect(featuresIn("processor : 0\n")).toBeNull();
  const halves = features ?? [];
  const classes = [
    halves,
    [...halves, "avx_vnni"],
    ["avx2", "avx_vnni"],
    ["avx2"],
    ["avx512f"],
    ["asimd"],
    ["asimd", "i8mm"],
    [],
    null,
  ];
  expect(classes.map((one) => cpuClassOf({ cpuModel: "AMD EPYC", cpuFeatures: one }))).toEqual([
    "amd-avx512-vnni-halves",
    "amd-avx512-vnni",
    "amd-avx2-vnni",
    "amd-avx2",
    "amd-avx512",
    "arm",
    "arm-i8mm",
    "other",
    "other",
  ]);
  const makers = ["Intel(R) Xeon(R)", "Hygon C86"].map((cpuModel) => cpuClassOf({ cpuModel, cpuFeatures: ["avx2"] }));
  expect(makers).toEqual(["intel-avx2", "x86-avx2"]);
  expect(cpuClassOf({ cpuModel: "Intel(R) Xeon(R)", cpuFeatures: halves })).toBe("intel-avx512-vnni");
  expect([hasBfloat16(["avx2", "amx_bf16"]), hasBfloat16(["avx2"]), hasBfloat16(null)]).toEqual([true, false, false]);
});

test("a ratio is lost where more than a tenth is, twice; the better of two counts", async () => {
  const bar = { name: "step", processor: 0.5, memory: 1 };
  const judge = async (...measured: [number, number][]) => {
    const left = [...measured];
    const row = await judged("step", bar, async () => {
      const [processor, memory] = left.shift() as [number, number];
      return { name: "step", processor, memory };
    });
    return { lost: row.lost, now: row.now, left: left.length };
  };
  const now = (processor: number, memory: number) => ({ name: "step", processor, memory });
  expect(await judge([0.54, 1.09], [9, 9])).toEqual({ lost: [], now: now(0.54, 1.09), left: 1 });
  expect(await judge([0.56, 1], [0.54, 1.3])).toEqual({ lost: [], now: now(0.54, 1), left: 0 });
  expect(await judge([0.56, 1.2], [0.58, 1.3])).toEqual({
    lost: ["processor", "memory"],
    now: now(0.56, 1.2),
    left: 0,
  });
  expect((await judged("new", undefined, async () => now(9, 9))).lost).toEqual([]);
  const table = guardTable([
    { name: "step", bar, now: now(0.56, 1), lost: ["processor"] },
    { name: "other", bar: undefined, now: null, lost: [] },
  ]);
  expect(table).toContain("| step | 0.50 | 0.56 | 1.00 | 1.00 | LOST: processor |\n| other | – | – | – | – |  |");
  const others = [{ name: "a", processor: 1, memory: 1 }, bar];
  expect(mergedBars(others, [{ name: "step", bar, now: now(0.4, 1), lost: [] }])).toEqual([others[0], now(0.4, 1)]);
});

test("bench guard runs what it is asked for and holds it against the bars that are kept", { timeout: 120_000 }, () => {
  const { code, stdout, stderr } = bench("guard", "--only", "infer-masked", "--repeats", "1", "--warmup", "1");
  expect([code, stderr]).toEqual([expect.any(Number), "tiny infer-masked 8: ours of infer-full …\n"]);
  const cells =
    stdout
      .split("\n")
      .find((line) => line.startsWith("| tiny infer-masked"))
      ?.split(" | ") ?? [];
  // A quarter of the patches takes less than a half of the time on any machine.
  expect(Number(cells[2])).toBeGreaterThan(0.05);
  expect(Number(cells[2])).toBeLessThan(0.5);
  expect(code).toBe(stdout.includes("LOST") ? 1 : 0);
});
