import { z } from "zod";
import { isInt8, shownPrecision } from "../method/models/precision.ts";
import type { ErrorParts } from "../support/errors.ts";
import { field } from "./fields.ts";
import type { Check } from "./verb.ts";

const PRECISIONS = ["fp32", "fp16", "int8", "int8-all", "auto"] as const;

type Precision = (typeof PRECISIONS)[number];

export const precisionField = field(
  z.enum(PRECISIONS).default("fp32"),
  "Products of the transformer blocks in training: fp32; on a graphics card fp16; on a CPU int8 for those forward and by the input, int8-all for those by the weight too; auto takes int8-all where it was shown to train as well and to gain time, else fp32.",
);

/**
 * What auto comes to, once it is known what is trained.
 *
 * @param presets sizes of models by name; without them, as where no time is gained in int8, it comes to fp32.
 */
export function completePrecision(
  options: { precision?: Precision; model?: string; device?: string },
  presets: Readonly<Record<string, { embedDim?: number }>> = {},
): void {
  const { precision, model, device = "cpu" } = options;
  if (precision !== "auto" || model === undefined) return;
  options.precision = device === "cpu" ? shownPrecision(presets[model]?.embedDim, process.arch) : "fp32";
}

/** CPUs have the products in int8, graphics cards those in float16. */
export const checkPrecision: Check<{ precision?: Precision; device?: string }> = ({ precision, device = "cpu" }) => {
  const onCpu = device === "cpu";
  if (precision === undefined || (onCpu ? precision !== "fp16" : !isInt8(precision))) return [];
  const problem: ErrorParts = {
    where: "precision",
    expected: onCpu ? "fp32, int8, int8-all or auto on cpu" : `fp32 or fp16 on ${device}`,
    got: precision,
    todo: `leave out --precision, or use --device ${onCpu ? "webgpu" : "cpu"}`,
  };
  return [problem];
};

export function precisionNotes({ precision }: { precision: Precision }): string[] {
  if (precision === "fp16") {
    return [
      "--precision fp16 rounds all that the blocks' linear layers multiply to 16 bits in training; it was tried on a software adapter alone (docs/engine.md)",
    ];
  }
  if (!isInt8(precision)) return [];
  const [rounded, seen] =
    precision === "int8"
      ? ["what the blocks' linear layers read", "the small models that were measured lost nothing by it"]
      : [
          "all that the blocks' linear layers multiply",
          "models of four widths were measured, and lost nothing by it at usual learning rates",
        ];
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
