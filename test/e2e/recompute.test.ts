import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Recompute } from "../../src/config/index.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { digests, finetuning, loggedEpochs, pretraining, writePhantoms } from "./runs.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-recompute-"));
const at = (...names: string[]): string => join(folder, ...names);

const runs: [string, (recompute: Recompute, output: string) => Promise<object>][] = [
  ["fine-tuning", (recompute, output) => finetune({ ...finetuning(at("data"), output), recompute })],
  [
    "fine-tuning in int8",
    (recompute, output) => finetune({ ...finetuning(at("data"), output), epochs: 2, precision: "int8", recompute }),
  ],
  ["pre-training", (recompute, output) => pretrain({ ...pretraining(at("data"), output), recompute })],
];

beforeAll(() => writePhantoms(at("data")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(runs)("%s with --recompute blocks", (name, run) => {
  test("leaves the same files as without, byte by byte, and the same losses", async () => {
    await run("none", at(name, "none"));
    await run("blocks", at(name, "blocks"));
    expect(Object.keys(digests(at(name, "none"))).length).toBeGreaterThan(2);
    expect(digests(at(name, "blocks"))).toEqual(digests(at(name, "none")));
    expect(loggedEpochs(at(name, "blocks"))).toEqual(loggedEpochs(at(name, "none")));
  });
});

test("a run may go on with it that began without", async () => {
  const { epochs = 0, ...options } = finetuning(at("data"), at("longer"));
  await finetune({ ...options, epochs: epochs + 1, resume: at("fine-tuning", "none"), recompute: "blocks" });
  expect(loggedEpochs(at("longer"))).toHaveLength(epochs + 1);
});
