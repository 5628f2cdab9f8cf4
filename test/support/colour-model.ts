import { z } from "zod";
import { gelu, gemm, input } from "../../src/engine/graph/builders.ts";
import { graph } from "../../src/engine/graph/graph.ts";
import type { Value } from "../../src/engine/graph/types.ts";
import { linearSpecs, type Parameters, parameterInputs } from "../../src/engine/parameters/specs.ts";
import type { Normalizer } from "../../src/images/transforms/normalize.ts";
import type { ModelKind } from "../../src/method/kinds/kind.ts";
import type { ImageModelConfig } from "../../src/method/models/config.ts";

/** A model that is no vision transformer: two layers over all pixels, and one number. */
export interface ColourConfig extends ImageModelConfig {
  hidden: number;
}

const pixelsOf = ({ inputHeight, inputWidth, inChans }: ColourConfig) => inputHeight * inputWidth * inChans;

const specs = (config: ColourConfig) => [
  ...linearSpecs("hidden", pixelsOf(config), config.hidden),
  ...linearSpecs("value", config.hidden, 1),
];

/** The number that it takes an image for, [batch, 1]; input: `pixels` [batch, C·H·W]. */
export function colourOf(p: Parameters, config: ColourConfig, batch: number): Value {
  const layer = (x: Value, name: string) => gemm(x, p(`${name}.weight`), p(`${name}.bias`), { transB: true });
  return layer(gelu(layer(input("pixels", [batch, pixelsOf(config)]), "hidden")), "value");
}

/** Normalised pixels of images, the last ones zero where there are fewer than `batch`. */
function pixels(config: ColourConfig, normalizer: Normalizer, images: Uint8Array, batch: number): Float32Array {
  const size = pixelsOf(config);
  const rows = new Float32Array(batch * size);
  for (let b = 0; b * size < images.length; b++) {
    normalizer.normalize(images.subarray(b * size, (b + 1) * size), rows.subarray(b * size, (b + 1) * size));
  }
  return rows;
}

export const colourKind: ModelKind<ColourConfig, object, { hidden: number; patchSize: number }> = {
  name: "colour",
  title: "a model of colours",
  wanted: "a model of colours",
  writtenBy: "colour",
  config: z.object({
    inputHeight: z.int().positive(),
    inputWidth: z.int().positive(),
    inChans: z.int().positive(),
    numClasses: z.int().positive(),
    hidden: z.int().positive().max(1024),
  }),
  facts: z.object({}),
  presets: { colour_small: { hidden: 8, patchSize: 1 } },
  classifies: false,
  card: {
    pipelineTag: "image-feature-extraction",
    use: "Telling how red a phantom is.",
    output: () => "one number, from 0 (blue) to 1 (red)",
  },
  specs,
  forward: (config, batch) => graph("colour", { value: colourOf(parameterInputs(specs(config)), config, batch) }),
  feeder: (config, normalizer) => ({
    whole: (images, batch) => ({ pixels: pixels(config, normalizer, images, batch) }),
  }),
  encoder: () => undefined,
  recognises: () => false,
};
