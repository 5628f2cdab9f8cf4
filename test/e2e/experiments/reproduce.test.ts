import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makePhantoms } from "../../../src/experiments/phantom/make-phantoms.ts";
import type { ReproduceResult } from "../../../src/experiments/reproduce.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-reproduce-"));
const entry = join(import.meta.dirname, "../../../src/apps/cli/main.ts");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plan = join(folder, "plan.yaml");
const text = `
title: two arms
data: { phantom: { train: 8, val: 4, test: 6, size: 32, classes: 2 } }
seeds: 2
options: { model: micro_patch8, inputSize: 32, inChans: 1, batchSize: 8, warmupEpochs: 0, lr: 0.001, saveEvery: 1 }
pretrain:
  sup: { epochs: 2 }
finetune:
  scratch: { method: vit, epochs: 2 }
  sup: { from: sup, epochs: 1 }
paper: { sup: 98 }
`;
beforeAll(() => writeFileSync(plan, text));

const argvOf = (outputDir: string, ...more: string[]): string[] => {
  const run = ["--output-dir", outputDir, "--threads", "1", "--workers", "0", "--json"];
  return [entry, "reproduce", "--plan", plan, ...run, ...more];
};

function run(outputDir: string, ...more: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, argvOf(outputDir, ...more), { encoding: "utf8" });
  return { status, stderr, result: stdout === "" ? undefined : (JSON.parse(stdout) as ReproduceResult) };
}

function start(outputDir: string): { child: ChildProcess; said: () => string; ended: Promise<number | null> } {
  const child = spawn(process.execPath, argvOf(outputDir), { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  return { child, said: () => said, ended: new Promise((resolve) => child.on("exit", resolve)) };
}

/** Names of the steps that a process began. */
const begun = (said: string): string[] =>
  [...said.matchAll(/^\d+ of \d+: (.*?)( \(about .*)?$/gm)].map((found) => found[1] as string);

const ofArms = ["finetune-scratch", "finetune-sup", "evaluate-scratch", "evaluate-sup"];
const steps = ["data", "pretrain-sup", ...ofArms, "look-sup", "point-scratch", "point-sup"];
const all = steps.flatMap((name) => [`${name}-0`, `${name}-1`]).sort();
const doneIn = (outputDir: string): string[] =>
  readdirSync(join(outputDir, "steps"))
    .filter((name) => existsSync(join(outputDir, "steps", name, "done.json")))
    .sort();

describe("reproduce", () => {
  const outputDir = join(folder, "whole");

  test("runs a plan to a table whose figures are those of the evaluations, and then has nothing left to do", () => {
    const first = run(outputDir);
    expect(first.status).toBe(0);
    expect(doneIn(outputDir)).toEqual(all);
    const { runs, table, differences, curves, left, looking } = first.result as ReproduceResult;
    expect(left).toEqual([]);
    expect(runs.map(({ method, seed }) => `${method} ${seed}`)).toEqual(["scratch 0", "scratch 1", "sup 0", "sup 1"]);
    for (const { method, seed, figures, pointing } of runs) {
      const metrics = JSON.parse(
        readFileSync(join(outputDir, `runs/${method}-${seed}/evaluation/metrics.json`), "utf8"),
      );
      expect(figures).toEqual({
        accuracy: metrics.accuracy,
        balancedAccuracy: metrics.balancedAccuracy,
        f1Macro: metrics.f1Macro,
        aucMacro: metrics.aucMacro,
      });
      expect(pointing).toBe(metrics.localisation.pointing.maps.value);
    }
    for (const method of ["scratch", "sup"]) {
      const pointed = runs.filter((one) => one.method === method).map((one) => one.pointing as number);
      const pointing = table.find((one) => one.method === method && one.metric === "pointing");
      expect(pointing?.mean).toBeCloseTo(((pointed[0] as number) + (pointed[1] as number)) / 2, 12);
      const own = runs.filter((one) => one.method === method).map(({ figures }) => figures.accuracy);
      const row = table.find((one) => one.method === method && one.metric === "accuracy");
      expect(row).toMatchObject({ dataset: "phantom", seeds: 2, paper: method === "sup" ? 0.98 : null });
      expect(row?.mean).toBeCloseTo(((own[0] as number) + (own[1] as number)) / 2, 12);
    }
    expect(differences.map(({ first: a, second: b }) => [a, b])).toEqual([["sup", "scratch"]]);
    expect(Object.keys(differences[0]?.figures ?? {})).toContain("pointing");
    const sup = curves.find(({ method, seed }) => method === "sup" && seed === 0);
    const scratch = curves.find(({ method, seed }) => method === "scratch" && seed === 0);
    expect(scratch?.points.map(({ epoch }) => epoch)).toEqual([1, 2]);
    // Pre-training counts.
    expect(sup?.points[0]?.seconds).toBeGreaterThan(runs[2]?.seconds.pretraining as number);
    // Of each checkpoint where it looks, and what masking by that would do with 7, 5 and 4 of 16 patches.
    expect(looking.map(({ pretraining, seed }) => `${pretraining} ${seed}`)).toEqual(["sup 0", "sup 1"]);
    for (const { images, uniform, points, pretraining, seed } of looking) {
      expect(images).toBe(12);
      expect(uniform).toMatchObject({ masked: 7 / 16, thrown: 5 / 16, kept: 4 / 16 });
      expect(points.map(({ epoch }) => epoch)).toEqual([1, 2]);
      for (const { masked, thrown, kept, hidden } of points) {
        expect(masked + thrown + kept).toBeCloseTo(1, 12);
        expect(hidden).toBeGreaterThan(0);
        expect(hidden).toBeLessThanOrEqual(1 - kept + 1e-12);
      }
      const file = join(outputDir, `looking/${pretraining}-${seed}/looking.json`);
      expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
        ...{ images, patches: expect.any(Number), guidedFrom: expect.any(Number), uniform, points },
      });
    }
    expect(looking[0]?.points[0]?.auc).not.toBe(looking[0]?.points[1]?.auc);
    const report = readFileSync(join(outputDir, "report.html"), "utf8");
    for (const said of ["sup less scratch", "98.0", "pre-training included", "Lesion wholly hidden", "single seeds"]) {
      expect(report).toContain(said);
    }
    const markdown = readFileSync(join(outputDir, "results.md"), "utf8");
    expect(markdown).toContain("| sup | accuracy |");
    expect(markdown).toMatch(/\| sup \| 2 \| 2 \| \d/);

    const before = statSync(join(outputDir, "runs/sup-1/training/last.safetensors")).mtimeMs;
    const second = run(outputDir);
    expect(begun(second.stderr)).toEqual([]);
    expect(second.result?.table).toEqual(table);
    expect(statSync(join(outputDir, "runs/sup-1/training/last.safetensors")).mtimeMs).toBe(before);
  }, 120_000);

  test("goes on with further seeds and arms, and refuses another plan in the same folder", () => {
    const equal = "equal: [[again, sup], [sup, scratch]]";
    writeFileSync(plan, text.replace("paper:", `  again: { from: sup, epochs: 1 }\n${equal}\npaper:`));
    // As a version left it that did not look at pre-trainings.
    rmSync(join(outputDir, "looking"), { recursive: true });
    for (const seed of [0, 1]) rmSync(join(outputDir, `steps/look-sup-${seed}`), { recursive: true });
    const more = run(outputDir);
    const begunOf = ["finetune again", "evaluate again", "look sup", "point again"];
    expect(begun(more.stderr)).toEqual([0, 1].flatMap((seed) => begunOf.map((step) => `${step}, seed ${seed}`)));
    expect(more.result?.looking.map(({ points }) => points.length)).toEqual([2, 2]);
    // The same training under another name; and one of another length has nothing to be compared by.
    const losses = { stage: "finetune", first: "again", second: "sup", seeds: 2, epochs: 1, equalEpochs: 1 };
    expect(more.result?.losses).toEqual([
      { ...losses, higherEpochs: 0, difference: 0, low: 0, high: 0, margin: expect.any(Number), equal: true },
    ]);
    expect(readFileSync(join(outputDir, "results.md"), "utf8")).toMatch(
      /\| again − sup \| finetune \| 0\.0000 \|.* yes \| 1 of 1 \|/,
    );
    expect(readFileSync(join(outputDir, "report.html"), "utf8")).toContain("whether they are equal");
    writeFileSync(plan, text.replace("sup: { epochs: 2 }", "sup: { epochs: 3 }"));
    const other = run(outputDir);
    writeFileSync(plan, text);
    expect(other.status).toBe(3);
    expect(other.stderr).toContain("a plan of other options for the pre-training sup");
  }, 120_000);

  test("killed at any step it goes on there, and two processes share the work without doing anything twice", async () => {
    const shared = join(folder, "shared");
    const killed = start(shared);
    while (!existsSync(join(shared, "pretrainings/sup-0/last.safetensors"))) await sleep(20);
    killed.child.kill("SIGKILL");
    await killed.ended;
    expect(doneIn(shared)).not.toContain("evaluate-sup-0");
    const [a, b] = [start(shared), start(shared)];
    expect(await Promise.all([a.ended, b.ended])).toEqual([0, 0]);
    expect(doneIn(shared)).toEqual(all);
    const [ofA, ofB] = [begun(a.said()), begun(b.said())];
    expect(ofA.length).toBeGreaterThan(0);
    expect(ofB.length).toBeGreaterThan(0);
    expect(new Set([...ofA, ...ofB]).size).toBe(ofA.length + ofB.length);
    // Whoever does it, and however often it was interrupted, the same comes out.
    const lookingIn = (root: string) => readFileSync(join(root, "looking/sup-1/looking.json"), "utf8");
    expect(lookingIn(shared)).toBe(lookingIn(outputDir));
    const figuresIn = (root: string) =>
      (JSON.parse(readFileSync(join(root, "results.json"), "utf8")) as ReproduceResult).runs
        .filter(({ method }) => method !== "again")
        .map(({ method, seed, figures }) => [method, seed, figures]);
    expect(figuresIn(shared)).toEqual(figuresIn(outputDir));
  }, 180_000);

  test("leaves out the seeds that options were chosen by", () => {
    writeFileSync(plan, text.replace("seeds: 2", "firstSeed: 1\nseeds: 1"));
    const { stderr, result } = run(outputDir);
    writeFileSync(plan, text);
    expect(begun(stderr)).toEqual([]);
    const ofSeed = result?.runs.map(({ method, seed, figures }) => [method, seed, figures.accuracy]);
    expect(ofSeed?.map(([method, seed]) => [method, seed])).toEqual([
      ["scratch", 1],
      ["sup", 1],
    ]);
    const means = result?.table.filter(({ metric }) => metric === "accuracy");
    expect(means?.map(({ method, mean, seeds }) => [method, seeds, mean])).toEqual(
      ofSeed?.map(([method, , accuracy]) => [method, 1, accuracy]),
    );
    // What stands there of other seeds stays the plan's.
    expect(readFileSync(join(outputDir, "plan.yaml"), "utf8")).toMatch(/^seeds: 2\nfirstSeed: 0$/m);
  }, 120_000);

  test("stops when its time is over, says what is left, and goes on another time", () => {
    const short = join(folder, "short");
    // A few seconds: less than all of it takes.
    const first = run(short, "--budget", "0.001");
    expect(first.status).toBe(0);
    const left = first.result?.left ?? [];
    expect(left.length).toBeGreaterThan(0);
    expect(left.length + doneIn(short).length).toBe(all.length);
    expect(readFileSync(join(short, "report.html"), "utf8")).toContain(`${left.length} steps are left`);
    expect(run(short).result?.left).toEqual([]);
  }, 120_000);

  test("of outlines the table has Dice and IoU, as the evaluations have them", async () => {
    const outlines = join(folder, "outlines");
    const { masks, images } = await makePhantoms({
      ...{ outputDir: join(folder, "phantoms"), seed: 3, size: 32, classes: 2 },
      imagesPerClass: { train: 6, val: 3, test: 4 },
    });
    const table = join(masks, "../masks.csv");
    writeFileSync(
      join(folder, "outlines.yaml"),
      text
        .replace(/data:.*/, `data: { path: ${table} }`)
        .replace("sup: { epochs: 2 }", "sup: { method: mae, epochs: 1 }")
        .replace("seeds: 2", "seeds: 1")
        .replace("finetune:", "segment:")
        .replace("method: vit, epochs: 2", "head: light, epochs: 1")
        .replace("from: sup,", "from: sup, head: light,"),
    );
    const argv = argvOf(outlines).map((part) => (part === plan ? join(folder, "outlines.yaml") : part));
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    const { runs, table: rows, looking } = JSON.parse(stdout) as ReproduceResult;
    // From a pre-training that is told no classes too.
    expect(looking.map(({ images: n, points }) => [n, points.length])).toEqual([[8, 1]]);
    // It masks three quarters of its patches at random.
    expect(looking[0]).toMatchObject({ guidedFrom: null, uniform: { masked: 0.75, thrown: 0, kept: 0.25 } });
    expect(looking[0]?.points[0]).toMatchObject(looking[0]?.uniform ?? {});
    expect(rows.map(({ method, metric }) => `${method} ${metric}`)).toEqual(
      ["scratch", "sup"].flatMap((method) => [`${method} dice`, `${method} iou`]),
    );
    for (const { method, figures } of runs) {
      const metrics = JSON.parse(readFileSync(join(outlines, `runs/${method}-0/evaluation/metrics.json`), "utf8"));
      expect(metrics.n).toBe(images.filter(({ split }) => split === "test").length);
      for (const metric of ["dice", "iou"]) {
        expect(figures[metric]).toBe(metrics[metric]);
        expect(rows.find((row) => row.method === method && row.metric === metric)?.mean).toBeCloseTo(
          metrics[metric],
          9,
        );
      }
    }
  }, 120_000);

  test.each([
    [["--dataset", "phantom"], /dataset, plan: expected one of the two, got both/],
    [["--methods", "mae"], /methods: expected some of scratch, sup/],
  ])("refuses %j beside the plan", (more, expected) => {
    const { status, stderr } = run(join(folder, "refused"), ...more);
    expect(status).toBe(2);
    expect(stderr).toMatch(expected);
  });

  test("of phantoms at the scale of a smoke test: every method, from nothing to a table", () => {
    const outputDir = join(folder, "smoke");
    const argv = ["reproduce", "--dataset", "phantom", "--scale", "smoke", "--output-dir", outputDir];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [entry, ...argv, "--threads", "1", "--workers", "0", "--json"],
      { encoding: "utf8" },
    );
    expect(status, stderr).toBe(0);
    const { table, left, looking } = JSON.parse(stdout) as ReproduceResult;
    expect(left).toEqual([]);
    const told = table.filter(({ metric }) => metric === "accuracy").map(({ method, seeds }) => [method, seeds]);
    expect(told).toEqual(["vit", "mae", "amt", "msmae"].map((method) => [method, 1]));
    expect(looking.map(({ pretraining }) => pretraining)).toEqual(["mae", "amt", "msmae"]);
    expect(readFileSync(join(outputDir, "results.md"), "utf8")).toContain("| msmae | accuracy |");
  }, 120_000);

  test("a published data set without its downloads is refused by the step's name", () => {
    const argv = [entry, "reproduce", "--dataset", "btmd", "--scale", "smoke", "--output-dir", join(folder, "btmd")];
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
    expect(status).toBe(2);
    expect(stderr).toMatch(/data: archives: expected the official downloads of btmd/);
  });
});
