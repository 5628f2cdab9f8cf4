import type { ExportOptions } from "../../config/index.ts";
import type { Precision } from "../../engine/onnx/portable.ts";
import type { ProductForm } from "../../engine/onnx/product-forms.ts";
import { int4Block } from "../../engine/onnx/weight-rounding.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { RunHooks } from "../../support/events.ts";
import { calibrated } from "./calibration.ts";
import { type Draft, weightsOfLayers, written } from "./draft.ts";
import type { Measure } from "./measure.ts";
import { type LayerSensitivity, layerOf, scanLayers } from "./scan.ts";

/** How a model was written with fewer bits. */
export interface Quantization {
  weights: "int8" | "int4" | "float16";
  /** How levels of what is multiplied by int8 are found: in each run, or once on training images. */
  activations?: "dynamic" | "static";
  /** How many linear layers are written so, and the names of those that stay in float32. */
  layers: number;
  fp32: string[];
  /** Where layers were tried alone, what that did, the most sensitive first. */
  sensitivity?: LayerSensitivity[];
}

/** Which weights are written with fewer bits, and how that is told. */
export interface Plan {
  precision: Precision;
  told: Quantization;
}

/**
 * What the options ask for; undefined where they ask for float32.
 *
 * @throws MsmaeError Config where the model has no such layers, or none that may be quantised; Data and Device as
 * calibration and measuring do.
 */
export async function planOf(
  draft: Draft,
  options: ExportOptions,
  measure: Measure | undefined,
  hooks: RunHooks,
): Promise<Plan | undefined> {
  const { quantize, weights, calibrationPath, scan, maxDrop, keepFp32 = [] } = options;
  if (quantize === undefined && weights === undefined) return undefined;
  if (quantize === "fp16") return { precision: { float16: true }, told: { weights: "float16", layers: 0, fp32: [] } };
  const keys = weightsOfLayers(draft);
  checkNames(keys, keepFp32, draft);
  const inputs = (key: string) => draft.model.store.shapeOf(key)[1] as number;
  const fits = (key: string) => weights === undefined || int4Block(inputs(key)) !== undefined;
  const wanted = keys.filter((key) => !keepFp32.includes(layerOf(key)) && fits(key));
  const levels =
    calibrationPath === undefined ? undefined : await calibrated(draft, { ...options, calibrationPath }, hooks);
  const formOf = (key: string): ProductForm => (weights ? { bits: 4 } : { bits: 8, levels: levels?.get(key) });
  const forms = new Map(wanted.map((key) => [key, formOf(key)] as const));
  const scanned =
    measure && scan !== undefined
      ? await scanLayers(
          forms,
          (precision, name) => measure.of(written(draft, { precision }).bytes, scan, name),
          maxDrop,
        )
      : undefined;
  const products = new Map([...forms].filter(([key]) => !scanned?.kept.has(key)));
  if (products.size === 0) throw nothingLeft(draft, scanned ? "only layers that are too sensitive" : "none");
  return {
    precision: { products },
    told: {
      ...(weights ? { weights } : { weights: "int8", activations: levels ? "static" : "dynamic" }),
      layers: products.size,
      fp32: keys.filter((key) => !products.has(key)).map(layerOf),
      ...(scanned && { sensitivity: scanned.sensitivity }),
    },
  };
}

function checkNames(keys: readonly string[], given: readonly string[], { model }: Draft): void {
  const layers = keys.map(layerOf);
  if (layers.length === 0) throw nothingLeft({ model }, "a network of convolutions");
  const unknown = given.filter((name) => !layers.includes(name));
  if (unknown.length === 0) return;
  throw new MsmaeError("Config", {
    where: "keepFp32",
    expected: `linear layers of the model (${layers.join(", ")})`,
    got: unknown.join(", "),
    todo: "correct the names",
  });
}

function nothingLeft({ model }: Pick<Draft, "model">, got: string): MsmaeError {
  return new MsmaeError("Config", {
    where: model.description.model,
    expected: "linear layers that can be quantised",
    got,
    todo: "choose --quantize fp16, another model, or a larger --max-drop",
  });
}
