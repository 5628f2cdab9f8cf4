import { describe, expect, test } from "vitest";
import { onWebgpu } from "../support/webgpu-child.ts";

/** Of an epoch's figures, relative to the larger of 1 and their own (seen: 9e-8). */
const tolerance = 2e-6;

/**
 * Of weights after six steps at this rate: where a gradient is hardly more than its rounding, AdamW may go another way, by a
 * rate at each step (seen: 9e-5 at most, 3e-6 on average).
 */
const lr = 1e-3;

interface Printed {
  cpu: Record<string, number>[];
  other: Record<string, number>[];
  sameNames: boolean;
  differences: Record<string, { most: number; mean: number }>;
}

const { printed, skipped } = onWebgpu("run-device-training.ts", ["webgpu"], 1_200_000);
describe.skipIf(skipped)(`a training that is handed over is that of the CPU alone${skipped}`, () => {
  test.each(["pretrain from cpu to webgpu", "pretrain from webgpu to cpu", "finetune from cpu to webgpu"])(
    "%s",
    (run) => {
      const { cpu, other, sameNames, differences } = (JSON.parse(printed) as Record<string, Printed>)[run] as Printed;
      expect(other.length).toBe(2);
      for (const [epoch, figures] of cpu.entries()) {
        expect(Object.keys(other[epoch] ?? {})).toEqual(Object.keys(figures));
        for (const [name, value] of Object.entries(figures)) {
          const allowed = tolerance * Math.max(1, Math.abs(value));
          const difference = Math.abs((other[epoch]?.[name] ?? Number.NaN) - value);
          expect(difference, `${name} of epoch ${epoch}`).toBeLessThanOrEqual(allowed);
        }
      }
      expect(sameNames).toBe(true);
      expect(Object.keys(differences).length).toBeGreaterThan(20);
      for (const [name, { most, mean }] of Object.entries(differences)) {
        expect(most, name).toBeLessThan(lr);
        expect(mean, name).toBeLessThan(lr / 100);
      }
    },
  );
});
