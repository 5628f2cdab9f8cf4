import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readModelFile } from "../../src/interop/model-file.ts";
import type { RunEvent } from "../../src/support/events.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { digests, finetuning, loggedEpochs, writePhantoms } from "./runs.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-precision-"));
const at = (...names: string[]): string => join(folder, ...names);
const tuning = (name: string, precision: "fp32" | "int8" | "int8-all" | "auto") => ({
  ...finetuning(at("data"), at(name)),
  precision,
});
const notes: string[] = [];

beforeAll(async () => {
  await writePhantoms(at("data"));
  await finetune(tuning("fp32", "fp32"));
  await finetune(tuning("int8-all", "int8-all"));
  await finetune(tuning("int8", "int8"), {
    onEvent: (event: RunEvent) => {
      if (event.type === "note") notes.push(event.message);
    },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("fine-tuning with --precision int8", () => {
  test.each(["int8", "int8-all"])("trains other weights than fp32 to nearly the same losses: %s", (name) => {
    const digest = (of: string) => digests(at(of))["last.safetensors"];
    expect(new Set([digest("int8"), digest("int8-all"), digest("fp32")]).size).toBe(3);
    const losses = (of: string) => loggedEpochs(at(of)).map((epoch) => epoch.train_loss as number);
    const [ours, theirs] = [losses(name), losses("fp32")];
    expect(ours.length).toBe(4);
    expect(ours).not.toEqual(theirs);
    ours.forEach((loss, epoch) => {
      expect(Math.abs(loss / (theirs[epoch] as number) - 1)).toBeLessThan(0.05);
    });
  });

  test("keeps float32 checkpoints and says what it is", async () => {
    const { tensors } = await readModelFile(at("int8", "last.safetensors"));
    const plain = await readModelFile(at("fp32", "last.safetensors"));
    expect([...tensors.keys()]).toEqual([...plain.tensors.keys()]);
    for (const { dtype } of tensors.values()) expect(dtype).toBe("F32");
    expect(readFileSync(at("int8", "config.yaml"), "utf8")).toContain("\nprecision: int8\n");
    expect(readFileSync(at("int8", "README.md"), "utf8")).toContain("| `precision` | int8 |");
    expect(readFileSync(at("int8-all", "README.md"), "utf8")).toContain("| `precision` | int8-all |");
  });

  test("goes on in the precision it began with, and in no other", async () => {
    await expect(finetune({ ...tuning("int8", "auto"), resume: at("int8") })).rejects.toMatchObject({
      code: "Checkpoint",
      message: expect.stringContaining('(precision "int8"), got precision "fp32"'),
    });
    await expect(finetune({ ...tuning("int8", "int8-all"), resume: at("int8") })).rejects.toMatchObject({
      message: expect.stringContaining('(precision "int8"), got precision "int8-all"'),
    });
    await expect(finetune({ ...tuning("fp32", "int8"), resume: at("fp32") })).rejects.toMatchObject({
      message: expect.stringContaining('(precision "fp32"), got precision "int8"'),
    });
  });
});
