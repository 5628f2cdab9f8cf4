import { describe, expect, test } from "vitest";
import { onWebgpu } from "../support/webgpu-child.ts";

type Log = Record<string, number>[];
type Printed = { refused: string } | Record<"pretrain" | "finetune", { half: Log; full: Log }>;

/** Of an epoch's loss, after three and six steps, relative to that in float32 (seen on llvmpipe: 7e-6). */
const tolerance = 5e-4;

const { printed, skipped } = onWebgpu("run-half-training.ts", [], 1_200_000);
const result = skipped ? undefined : (JSON.parse(printed) as Printed);

describe.skipIf(!result)(`training in float16 on WebGPU${skipped}`, () => {
  test.skipIf(!result || "refused" in result)(
    `goes the way of float32, by other numbers${result && "refused" in result ? " SKIPPED: the adapter has no 16-bit floats" : ""}`,
    () => {
      for (const { half, full } of Object.values(result as Record<string, { half: Log; full: Log }>)) {
        expect(half).toHaveLength(2);
        const losses = (log: Log) => log.map(({ train_loss }) => train_loss as number);
        for (const [epoch, loss] of losses(full).entries()) {
          expect(Math.abs((losses(half)[epoch] as number) / loss - 1)).toBeLessThan(tolerance);
        }
        expect(losses(half)).not.toEqual(losses(full));
      }
    },
  );

  test.skipIf(!result || !("refused" in result))(
    `is refused where the adapter has no 16-bit floats${result && !("refused" in result) ? " SKIPPED: it has" : ""}`,
    () => {
      expect((result as { refused: string }).refused).toBe(
        "device webgpu: expected a graphics card with 16-bit floats (shader-f16), got one without; leave out --precision fp16",
      );
    },
  );
});
