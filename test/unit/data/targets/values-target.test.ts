import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ImageLoader } from "../../../../src/data/loader/loader.ts";
import type { Sample } from "../../../../src/data/sample.ts";
import { targetOf } from "../../../../src/data/targets/target.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-values-"));
const path = join(folder, "a.png");
const size = { inputHeight: 4, inputWidth: 4, channels: 1, workers: 0 } as const;
beforeAll(async () => {
  await sharp(new Uint8Array(16), { raw: { width: 4, height: 4, channels: 1 } })
    .png()
    .toFile(path);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("values as targets", () => {
  test("stand in the batch's order, NaN where a sample has none or one is missing", async () => {
    const samples: Sample[] = [
      { path, label: 0, values: [1.5, 2] },
      { path: join(folder, "absent.png"), label: 0, values: [7, 7] },
      { path, label: 0 },
      { path, label: 1, values: [Number.NaN, -4] },
    ];
    await using loader = new ImageLoader(samples, { ...size, target: { kind: "values" } });
    const targets = [];
    for await (const batch of loader.inOrder({ batchSize: 3 })) targets.push([...targetOf(batch, "values").values]);
    expect(targets).toEqual([
      [1.5, 2, Number.NaN, Number.NaN],
      [Number.NaN, -4],
    ]);
  });

  test("are needed, and as many in every sample", () => {
    const open = (samples: Sample[]) => () => new ImageLoader(samples, { ...size, target: { kind: "values" } });
    expect(open([{ path, label: 0 }])).toThrow(/^targets: expected samples with values, got none/);
    const uneven = [
      { path, label: 0, values: [1, 2] },
      { path: "short", label: 0, values: [1] },
    ];
    expect(open(uneven)).toThrow(/^short: expected 2 values/);
  });

  test("taken for targets of another kind are an error that names both", () => {
    const target = { kind: "values" as const, values: new Float32Array(2) };
    expect(() => targetOf({ target }, "class")).toThrow(/kind "class", got "values"/);
  });
});
