import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readModelFile } from "../../src/interop/model-file.ts";
import { readSafetensorsFile } from "../../src/interop/safetensors-file.ts";
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
  await finetune(
    { ...tuning("fast", "fp32"), fastMaps: true },
    { onEvent: (event: RunEvent) => void (event.type === "note" && mapNotes.push(event.message)) },
  );
  await finetune(tuning("int8", "int8"), {
    onEvent: (event: RunEvent) => {
      if (event.type === "note") notes.push(event.message);
    },
  });
});
/** Of the run with fast maps. */
const mapNotes: string[] = [];
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

describe("fine-tuning with --fast-maps", () => {
  test("is told once how many of the patches stay the same", () => {
    const told = mapNotes.filter((note) => note.startsWith("fast maps"));
    expect(told).toHaveLength(1);
    const [, share, images, chance] =
      /^fast maps keep ([\d.]+) % of .* \(the first (\d+) images; by chance ([\d.]+) %\)$/.exec(told[0] ?? "") ?? [];
    expect(Number(share)).toBeGreaterThan(80);
    expect(Number(share)).toBeLessThanOrEqual(100);
    expect(Number(images)).toBeGreaterThan(1);
    expect(Number(chance)).toBeLessThan(40);
    expect(notes.some((note) => note.startsWith("fast maps"))).toBe(false);
  });

  test("keeps other maps than fp32, nearly the same, and goes on with them alone", async () => {
    const mapsOf = async (name: string) => {
      const [state = ""] = globSync("last.*.state.safetensors", { cwd: at(name) });
      const { tensors } = await readSafetensorsFile(at(name, state));
      return tensors.get("maps")?.bytes;
    };
    const [fast, exact] = [await mapsOf("fast"), await mapsOf("fp32")];
    expect(fast?.length).toBe(30 * 16 * 4);
    expect(fast).not.toEqual(exact);
    await expect(finetune({ ...tuning("fast", "fp32"), resume: at("fast") })).rejects.toMatchObject({
      message: expect.stringContaining("fastMaps true"),
    });
  });
});
