import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { RunEvent } from "../../src/index.ts";
import { cacheShares } from "../../src/training/setup.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { finetuning, writePhantoms } from "./runs.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-validation-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Two epochs, after the first of which the validation images are no images any more; what was said of that, and the last loss. */
async function spoiled(cacheMb: number, spoils = true): Promise<{ warnings: string[]; loss: unknown }> {
  const name = `${cacheMb} ${spoils}`;
  const data = await writePhantoms(join(folder, name, "data"));
  const warnings: string[] = [];
  let loss: unknown;
  const onEvent = (event: RunEvent): void => {
    if (event.type === "warning" && event.message.includes("unreadable")) warnings.push(event.message);
    if (event.type !== "epoch") return;
    loss = event.metrics.logLoss;
    if (event.epoch > 0 || !spoils) return;
    for (const file of globSync(join(data, "val/*/*.png"))) writeFileSync(file, "not an image");
  };
  const input = { ...finetuning(data, join(folder, name, "run")), epochs: 2, warmupEpochs: 0, cacheMb };
  await finetune(input, { onEvent }).catch((error: unknown) => warnings.push(String(error)));
  return { warnings, loss };
}

describe("validation images", () => {
  test("are read once where there is memory for them, and are the same from there", async () => {
    const kept = await spoiled(64);
    expect(kept.warnings).toEqual([]);
    expect(kept.loss).toBe((await spoiled(0, false)).loss);
    expect(kept.loss).toEqual(expect.any(Number));
    expect((await spoiled(0)).warnings).not.toEqual([]);
  }, 120_000);

  test("share the memory with those of training by their numbers", () => {
    const splits = { train: { length: 300 }, val: { length: 100 }, test: { length: 7 } };
    const data = { folder: { splits } } as unknown as Parameters<typeof cacheShares>[1];
    expect(cacheShares({ cacheMb: 512 }, data)).toEqual({ train: 384, val: 128 });
    expect(cacheShares({ cacheMb: 0 }, data)).toEqual({ train: 0, val: 0 });
  });
});
