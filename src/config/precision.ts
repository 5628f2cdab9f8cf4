import { z } from "zod";
import type { ErrorParts } from "../support/errors.ts";
import { field } from "./fields.ts";
import type { Check } from "./verb.ts";

const PRECISIONS = ["fp32", "int8", "auto"] as const;

type Precision = (typeof PRECISIONS)[number];

export const precisionField = field(
  z.enum(PRECISIONS).default("fp32"),
  "Products of the transformer blocks in training: fp32, or int8 for those forward and by the input, on a CPU; auto takes int8 where equal accuracy was shown, so far nowhere.",
);

/** What auto comes to, before anything is written down: a run that goes on keeps what it began with. */
export function completePrecision(options: { precision?: Precision }): void {
  if (options.precision === "auto") options.precision = "fp32";
}

/** Only CPUs have the products that were tried. */
export const checkPrecision: Check<{ precision?: Precision; device?: string }> = ({ precision, device = "cpu" }) => {
  if (precision !== "int8" || device === "cpu") return [];
  const problem: ErrorParts = {
    where: "precision",
    expected: `fp32 on ${device}`,
    got: "int8",
    todo: "leave out --precision, or use --device cpu",
  };
  return [problem];
};

export function precisionNotes({ precision }: { precision: Precision }): string[] {
  if (precision !== "int8") return [];
  return [
    "--precision int8 rounds what the blocks' linear layers read to 8 bits in training; that accuracy stays equal has not been shown (docs/performance.md)",
  ];
}
