import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { finetuneGroups, type ParameterGroup, pretrainGroups } from "../../src/optim/parameter-groups.ts";
import { lrAt, type WarmupCosine } from "../../src/optim/schedule.ts";

const folder = process.env.MSMAE_GOLDENS ?? "../shared/goldens";
const missing = !existsSync(folder);
const note = missing ? " (SKIPPED: no ../shared/goldens)" : "";

function golden<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as T;
}

describe("schedules and groups against the published program", () => {
  test.skipIf(missing)(`every point of every schedule to 1e-15 of its peak${note}`, () => {
    const schedules = golden<(WarmupCosine & { points: [number, number][] })[]>("lr-schedule.json");
    expect(schedules.length).toBeGreaterThan(0);
    for (const schedule of schedules) {
      for (const [epoch, lr] of schedule.points) {
        expect(Math.abs(lrAt(schedule, epoch) - lr), `epoch ${epoch}`).toBeLessThanOrEqual(1e-15 * schedule.lr);
      }
    }
  });

  type Groups = Record<string, { lrScale?: number; weightDecay: number; shape: number[] }>;
  const tensorsOf = (groups: Groups) => Object.entries(groups).map(([name, { shape }]) => ({ name, shape }));

  function expectGroups(got: Map<string, ParameterGroup>, expected: Groups): void {
    expect([...got.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { lrScale = 1, weightDecay }] of Object.entries(expected)) {
      const group = got.get(name) as ParameterGroup;
      expect(group.weightDecay, name).toBe(weightDecay);
      expect(Math.abs(group.lrScale / lrScale - 1), name).toBeLessThanOrEqual(1e-15);
    }
  }

  test.skipIf(missing)(`ViT-B: rate and decay of every parameter in pre-training and fine-tuning${note}`, () => {
    const { finetune, pretrain, finetuneLayerDecay } = golden<{
      finetune: Groups;
      pretrain: Groups;
      finetuneLayerDecay: number;
    }>("param-groups-base.json");
    expect(Object.keys(finetune).length).toBeGreaterThan(100);
    expectGroups(pretrainGroups(tensorsOf(pretrain), 0.05), pretrain);
    const depth = 12;
    const options = { depth, weightDecay: 0.05, layerDecay: finetuneLayerDecay };
    expectGroups(finetuneGroups(tensorsOf(finetune), options), finetune);
  });
});
