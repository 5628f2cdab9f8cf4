import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { interpolatePositionEmbedding } from "../../src/interop/position-embedding.ts";
import type { StoredTensor } from "../../src/interop/safetensors.ts";
import { readSafetensorsFile } from "../../src/interop/safetensors-file.ts";
import { toFloat64 } from "../../src/interop/tensor-values.ts";

const folder = process.env.MSMAE_GOLDENS ?? "../shared/goldens";
const missing = !existsSync(folder);
const note = missing ? " (SKIPPED: no ../shared/goldens)" : "";

describe("tables against PyTorch", () => {
  test.skipIf(missing)(`every element of every interpolated position embedding to 1e-10${note}`, async () => {
    const { tensors } = await readSafetensorsFile(join(folder, "tables.safetensors"));
    const inputs = [...tensors.keys()].filter((name) => /^interpolate\/\d+to\d+\/in$/.test(name));
    expect(inputs.length).toBeGreaterThan(0);
    for (const name of inputs) {
      const [from, to] = (name.match(/\d+/g) as string[]).map(Number) as [number, number];
      const source = tensors.get(name) as StoredTensor;
      const width = source.shape[2] as number;
      const got = interpolatePositionEmbedding(toFloat64(source), width, [from, from], [to, to]);
      const expected = toFloat64(tensors.get(name.replace(/in$/, "out")) as StoredTensor);
      expect(got).toHaveLength(expected.length);
      for (const [index, value] of expected.entries()) {
        const error = Math.abs((got[index] as number) - value);
        expect(error, `${name} at ${index}`).toBeLessThanOrEqual(1e-10);
      }
    }
  });
});
