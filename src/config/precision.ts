import { z } from "zod";
import { isInt8 } from "../method/models/int8-weights.ts";
import type { ErrorParts } from "../support/errors.ts";
import { field } from "./fields.ts";
import type { Check } from "./verb.ts";

const PRECISIONS = ["fp32", "int8", "int8-all", "auto"] as const;

type Precision = (typeof PRECISIONS)[number];

export const precisionField = field(
  z.enum(PRECISIONS).default("fp32"),
  "Products of the transformer blocks in training, on a CPU: fp32; int8 for those forward and by the input; int8-all for those by the weight too; auto takes int8 where equal training was shown and time is gained, so far nowhere.",
);

/** What auto comes to, before anything is written down: a run that goes on keeps what it began with. */
export function completePrecision(options: { precision?: Precision }): void {
  if (options.precision === "auto") options.precision = "fp32";
}

/** Only CPUs have the products that were tried. */
export const checkPrecision: Check<{ precision?: Precision; device?: string }> = ({ precision, device = "cpu" }) => {
  if (!isInt8(precision) || device === "cpu") return [];
  const problem: ErrorParts = {
    where: "precision",
    expected: `fp32 on ${device}`,
    got: precision,
    todo: "leave out --precision, or use --device cpu",
  };
  return [problem];
};

export function precisionNotes({ precision }: { precision: Precision }): string[] {
  if (!isInt8(precision)) return [];
  const [rounded, seen] =
    precision === "int8"
      ? ["what the blocks' linear layers read", "the small models that were measured lost nothing by it"]
      : ["all that the blocks' linear layers multiply", "it was not compared with fp32 over seeds"];
  return [`--precision ${precision} rounds ${rounded} to 8 bits in training; ${seen} (docs/performance.md)`];
}

export const fastMapsField = field(
  z.boolean().default(false),
  "Make attention maps of training images by products in int8, on a CPU: faster, and nearly the same patches are kept; the first time it is told how many.",
);

/** Maps that no model makes are not made faster. */
export const checkFastMaps: Check<{ fastMaps?: boolean; device?: string; mapSource?: string }> = (options) => {
  const { fastMaps, device = "cpu", mapSource = "attention" } = options;
  if (!fastMaps || (device === "cpu" && mapSource === "attention")) return [];
  const [expected, got] =
    device === "cpu" ? ["maps of attention", `--map-source ${mapSource}`] : ["a CPU", `--device ${device}`];
  return [{ where: "fastMaps", expected, got, todo: "leave it out" }];
};
