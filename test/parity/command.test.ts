import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hostFloat64 } from "../tolerances.ts";
import { Comparison } from "./harness.ts";

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
    const { status, rows, stderr } = parity({ "segmentation/any": {}, "linear-probe/any": {} }, [
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
    expect(stderr).toContain("not covered yet: segmentation/any");
    expect(stderr).toContain("not covered yet: linear-probe/any");
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
