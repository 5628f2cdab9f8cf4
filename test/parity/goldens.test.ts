import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { listCases, runCase } from "./run.ts";

const folder = process.env.MSMAE_GOLDENS ?? resolve(import.meta.dirname, "../../../shared/goldens");
const missing = !existsSync(join(folder, "index.json"));

test.skipIf(!missing)("SKIPPED: no ../shared/goldens: parity with PyTorch, Pillow and scikit-learn", () => undefined);

describe.skipIf(missing)("every golden value", () => {
  const cases = missing ? [] : listCases(folder);
  const known = cases.filter(({ check }) => check);

  test.each(known)("$name: every tensor within its tolerance", async (parityCase) => {
    const { rows, notCovered } = await runCase(parityCase);
    expect(rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(notCovered).toEqual([]);
  });

  test("nothing is left that is not covered", () => {
    expect(cases.filter(({ check }) => !check).map(({ name }) => name)).toEqual([]);
  });
});
