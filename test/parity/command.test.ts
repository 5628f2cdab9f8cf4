import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hostFloat64 } from "../tolerances.ts";
import { dtypeOfNumbers } from "./goldens.ts";
import { Comparison } from "./harness.ts";
import { checkGroups, checkSchedules } from "./schedules.ts";

const main = resolve(import.meta.dirname, "main.ts");
const schedule = { lr: 2, minLr: 0, warmupEpochs: 4, epochs: 8 };

describe("the parity command", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "msmae-goldens-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function parity(index: object, points: [number, number][]) {
    writeFileSync(join(folder, "index.json"), JSON.stringify(index));
    writeFileSync(join(folder, "lr-schedule.json"), JSON.stringify([{ ...schedule, points }]));
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, "--goldens", folder, "--json"], {
      encoding: "utf8",
    });
    const lines = stdout.split("\n").filter((line) => line !== "");
    return { status, stderr, rows: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
  }

  test("exits 0 with a row per quantity, and names the kinds that are not covered yet", () => {
    const { status, rows, stderr } = parity({ "another/any": {}, "further/any": {} }, [
      [2, 1],
      [6, 1],
    ]);
    expect(rows).toEqual([
      {
        case: "lr-schedule",
        quantity: "schedule 0 (8 epochs)",
        backend: "host",
        maxAbsError: expect.closeTo(0, 12),
        relativeError: expect.closeTo(0, 12),
        tolerance: 1e-12,
        ok: true,
      },
    ]);
    expect(stderr).toContain("not covered yet: another/any");
    expect(stderr).toContain("not covered yet: further/any");
    expect(status).toBe(0);
  });

  test("exits 1 when a value differs", () => {
    const { status, rows } = parity({}, [
      [2, 1],
      [6, 1.001],
    ]);
    expect(rows).toMatchObject([{ ok: false, maxAbsError: expect.closeTo(0.001, 12) }]);
    expect(status).toBe(1);
  });

  test("exits 1 when a case of a known kind cannot be run", () => {
    const { status, rows } = parity({ "pretrain/lost": {} }, [[2, 1]]);
    expect(rows).toMatchObject([
      { case: "pretrain/lost", ok: false, note: expect.stringContaining("lost.safetensors") },
      { ok: true },
    ]);
    expect(status).toBe(1);
  });
});

describe("comparison", () => {
  const row = (got: number[], expected: number[], relative: number) => {
    const out = new Comparison("case");
    out.add("quantity", "host", got, expected, { ...hostFloat64, relative });
    return out.rows[0];
  };

  test("takes the largest difference, relative to the largest element", () => {
    expect(row([1, -4.5, 2], [1, -4, 2.25], 0.13)).toMatchObject({
      maxAbsError: 0.5,
      relativeError: 0.125,
      tolerance: 0.52,
      ok: true,
    });
    expect(row([1, -4.5, 2], [1, -4, 2.25], 0.12)).toMatchObject({ ok: false });
  });

  test.each([
    ["NaN in the result", [Number.NaN, 1], [0, 1]],
    ["NaN after a difference", [9, Number.NaN], [0, 1]],
    ["NaN in the golden", [0, 1], [0, Number.NaN]],
    ["infinity", [Infinity, 1], [0, 1]],
    ["another length", [1], [1, 1]],
  ])("refuses %s", (_, got, expected) => {
    expect(row(got, expected, 1e9)).toMatchObject({ maxAbsError: null, ok: false });
  });
});

describe("goldens in JSON that were fp32 before", () => {
  const thirds = [1 / 3, 2 / 3, 1];
  const fp32 = thirds.map(Math.fround);

  test("are told from float64 by their digits", () => {
    expect(dtypeOfNumbers(fp32)).toBe("float32");
    expect(dtypeOfNumbers(thirds)).toBe("float64");
    // One float64 value among them is enough, and short decimals are of either kind.
    expect(dtypeOfNumbers([...fp32, 0.1])).toBe("float64");
    expect(dtypeOfNumbers([0, 0.5, 0.125, 2])).toBe("float64");
    expect(dtypeOfNumbers([])).toBe("float64");
  });

  const schedules = (values: number[]) => {
    const out = new Comparison("lr-schedule");
    const points = values.map((lr, k): [number, number] => [k + 1, lr]);
    checkSchedules([{ lr: 1, minLr: 0, warmupEpochs: 3, epochs: 8, points }], out);
    return out.rows.map(({ ok }) => ok);
  };

  test("differ from what is computed by their rounding alone: anything more fails", () => {
    expect(schedules(fp32)).toEqual([true]);
    expect(schedules(fp32.map((value) => Math.fround(value * (1 + 3e-6))))).toEqual([false]);
  });

  test("lend no room to goldens in float64", () => {
    expect(schedules(thirds)).toEqual([true]);
    expect(schedules(thirds.map((value, k) => (k === 0 ? Math.fround(value) : value)))).toEqual([false]);
  });

  test("give all groups of a model one tolerance", () => {
    const rows = (scale: number) => {
      const out = new Comparison("param-groups");
      const groups = (lrScale: number) => ({
        "blocks.0.norm1.weight": { lrScale: lrScale * 0.7, weightDecay: 0, shape: [4] },
        "head.weight": { lrScale: 1, weightDecay: Math.fround(0.05), shape: [4, 4] },
      });
      const rounded = groups(scale);
      rounded["blocks.0.norm1.weight"].lrScale = Math.fround(rounded["blocks.0.norm1.weight"].lrScale);
      checkGroups({ finetuneLayerDecay: 0.7, finetune: rounded }, out);
      return out.rows.map(({ ok }) => ok);
    };
    expect(rows(1)).toEqual([true, true]);
    expect(rows(1 + 3e-6)).toEqual([false, true]);
  });
});
