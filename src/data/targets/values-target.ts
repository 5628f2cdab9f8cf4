import { MsmaeError } from "../../support/errors.ts";
import type { Sample } from "../sample.ts";
import type { TargetMaker } from "./target-maker.ts";

/** Numbers that belong to each image: measurements, or several labels of which each is there or not. */
export interface ValuesTarget {
  kind: "values";
  /** float32 [B, K]; NaN where a sample has no such value, or nothing may be learned of it. */
  values: Float32Array;
}

/** @throws MsmaeError Data when no sample has values, or samples have different numbers of them. */
export function valuesTargets(samples: readonly Sample[]): TargetMaker<ValuesTarget> {
  const count = samples.find(({ values }) => values !== undefined)?.values?.length ?? 0;
  if (count === 0) throw noValues(samples);
  const odd = samples.find(({ values }) => values !== undefined && values.length !== count);
  if (odd) throw otherCount(odd, count);
  return {
    of(chosen) {
      const values = new Float32Array(chosen.length * count).fill(Number.NaN);
      for (const [b, sample] of chosen.entries()) {
        if (!sample.unlabelled) values.set(sample.values ?? [], b * count);
      }
      return { kind: "values", values };
    },
  };
}

function noValues({ length }: readonly Sample[]): MsmaeError {
  const got = `none in ${length} samples`;
  const todo = "give the samples values, or choose targets of another kind";
  return new MsmaeError("Data", { where: "targets", expected: "samples with values", got, todo });
}

function otherCount({ path, values = [] }: Sample, count: number): MsmaeError {
  const parts = { where: path, expected: `${count} values, as other samples have`, got: `${values.length}` };
  return new MsmaeError("Data", { ...parts, todo: "write NaN for values that are missing" });
}
