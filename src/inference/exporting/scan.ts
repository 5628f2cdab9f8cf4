import type { Precision } from "../../engine/onnx/portable.ts";
import { beyond, dropOf, type Measured } from "./measure.ts";

/** What quantising one linear layer alone does. */
export interface LayerSensitivity {
  layer: string;
  /** By how much the loss grows: log loss, 1 − Dice, or the error of a number. */
  loss: number;
  drop: Record<string, number>;
}

/** A sensitivity scan. */
export interface Scanned {
  /** From the most to the least sensitive. */
  sensitivity: LayerSensitivity[];
  /** Weights that are to stay in float32. */
  kept: Set<string>;
}

/**
 * Tries each layer alone, and keeps those in float32 that harm most: none, or as few of 1, 2, 4 and so on as hold every
 * drop within what is allowed; all where nothing else does.
 *
 * @param products the forms by the weights' names.
 * @param measure what a model so written is found to be.
 */
export async function scanLayers(
  products: NonNullable<Precision["products"]>,
  measure: (precision: Precision, name: string) => Promise<Measured>,
  allowed: number,
): Promise<Scanned> {
  const plain = await measure({}, "float32");
  const sensitivity: (LayerSensitivity & { key: string })[] = [];
  for (const [key, form] of products) {
    const layer = layerOf(key);
    const alone = await measure({ products: new Map([[key, form]]) }, layer);
    sensitivity.push({ key, layer, loss: alone.loss - plain.loss, drop: dropOf(plain, alone) });
  }
  sensitivity.sort((a, b) => b.loss - a.loss);
  const told = sensitivity.map(({ key: _, ...one }) => one);
  for (let count = 0; count < products.size; count = Math.max(1, 2 * count)) {
    const kept = new Set(sensitivity.slice(0, count).map(({ key }) => key));
    const rest = new Map([...products].filter(([key]) => !kept.has(key)));
    const measured = await measure({ products: rest }, `${count} layers in float32`);
    if (beyond(dropOf(plain, measured), allowed).length === 0) return { sensitivity: told, kept };
  }
  return { sensitivity: told, kept: new Set(products.keys()) };
}

/** The layer that a weight is of. */
export function layerOf(key: string): string {
  return key.replace(/\.weight$/, "");
}
