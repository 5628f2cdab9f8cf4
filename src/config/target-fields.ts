import { z } from "zod";
import type { ValueColumns } from "../data/tables/value-columns.ts";
import type { ErrorParts } from "../support/errors.ts";
import { field } from "./fields.ts";
import type { Check } from "./verb.ts";

const names = { expected: "names with commas between, each once", placeholder: "a,b,c" };

function distinct(list: readonly string[]): boolean {
  return new Set(list).size === list.length;
}

/** What is told of images where it is not one class. */
export const valueFields = {
  findings: field(
    z.array(z.string().min(1)).min(1).refine(distinct).optional(),
    "Columns of a CSV file of which each says whether a finding is there: 1, 0, or nothing (or -1) where nobody knows. They take the place of the class.",
    { ...names, defaultText: "one class for each image" },
  ),
};

interface Targets {
  findings?: readonly string[] | undefined;
}

/** The columns that take the place of a class; undefined where images have one. */
export function valueColumnsOf({ findings }: Targets): ValueColumns | undefined {
  return findings && { kind: "findings", names: findings };
}

interface ClassOptions extends Targets {
  sampling?: string;
  classWeights?: string;
  loss?: string;
  numClasses?: number;
}

/** What holds of classes only. */
export const checkTarget: Check<ClassOptions> = ({ findings, sampling, classWeights, loss, numClasses }) => {
  if (findings === undefined) return [];
  const problems: ErrorParts[] = [];
  const onlyClasses = (where: string, value: string | undefined, usual: string) => {
    if (value === undefined || value === usual) return;
    const todo = "leave it out, or leave out --findings";
    problems.push({ where, expected: `${usual} beside --findings`, got: JSON.stringify(value), todo });
  };
  onlyClasses("sampling", sampling, "natural");
  onlyClasses("classWeights", classWeights, "none");
  onlyClasses("loss", loss, "ce");
  if (numClasses !== undefined && numClasses !== findings.length) {
    const todo = "leave it out";
    problems.push({
      where: "numClasses",
      expected: `${findings.length}, as --findings names`,
      got: `${numClasses}`,
      todo,
    });
  }
  return problems;
};
