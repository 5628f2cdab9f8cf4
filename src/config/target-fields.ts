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
export const findingsField = field(
  z.array(z.string().min(1)).min(1).refine(distinct).optional(),
  "Columns of a CSV file of which each says whether a finding is there: 1, 0, or nothing (or -1) where nobody knows. They take the place of the class.",
  { ...names, defaultText: "one class for each image" },
);

export const valueFields = {
  findings: findingsField,
  number: field(
    z.string().min(1).optional(),
    "Column of a CSV file with a number, such as an age, or nothing where nobody knows. It takes the place of the class.",
    { placeholder: "column", defaultText: "one class for each image" },
  ),
};

/** Grades are classes with an order. */
export const gradesField = field(
  z.array(z.string().min(1)).min(3).refine(distinct).optional(),
  "Classes in their order, from the least grade to the greatest: each step from one to the next is learned.",
  { ...names, expected: "at least three names with commas between, each once", defaultText: "classes have no order" },
);

/** How a classifier's probabilities are made to mean what they say. */
export const temperatureField = field(
  z.enum(["fit", "none"]).default("fit"),
  "Of classes and grades: what checkpoints keep to calibrate probabilities: one number fitted on the validation images, by which logits are divided (fit), or none. It changes no decision.",
);

interface Targets {
  grades?: readonly string[] | undefined;
  findings?: readonly string[] | undefined;
  number?: string | undefined;
}

/** The columns that take the place of a class; undefined where images have one. */
export function valueColumnsOf({ findings, number }: Targets): ValueColumns | undefined {
  if (number !== undefined) return { kind: "number", names: [number] };
  return findings && { kind: "findings", names: findings };
}

/** Images are told one thing. */
export const checkOneTarget: Check<Targets> = (targets) => {
  const given = (["findings", "number", "grades"] as const).filter((name) => targets[name] !== undefined);
  const [first, second] = given;
  if (first === undefined || second === undefined) return [];
  const expected = `no --${first} beside it`;
  return [{ where: second, expected, got: JSON.stringify(targets[second]), todo: "leave out one of them" }];
};

interface ClassOptions extends Targets {
  sampling?: string;
  classWeights?: string;
  loss?: string;
  numClasses?: number;
}

/** What holds of classes only. */
export const checkTarget: Check<ClassOptions> = ({ sampling, classWeights, loss, numClasses, ...targets }) => {
  const { grades } = targets;
  const values = valueColumnsOf(targets) ?? (grades && ({ kind: "grades", names: grades } as const));
  if (values === undefined) return [];
  const problems: ErrorParts[] = [];
  const onlyClasses = (where: string, value: string | undefined, usual: string) => {
    if (value === undefined || value === usual) return;
    const todo = `leave it out, or leave out --${values.kind}`;
    problems.push({ where, expected: `${usual} beside --${values.kind}`, got: JSON.stringify(value), todo });
  };
  if (grades === undefined) onlyClasses("sampling", sampling, "natural");
  onlyClasses("classWeights", classWeights, "none");
  onlyClasses("loss", loss, "ce");
  if (numClasses !== undefined && numClasses !== values.names.length) {
    const expected = `${values.names.length}, as --${values.kind} names`;
    problems.push({ where: "numClasses", expected, got: `${numClasses}`, todo: "leave it out" });
  }
  return problems;
};
