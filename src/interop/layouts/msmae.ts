import type { Layout } from "./layout.ts";
import { mae } from "./mae.ts";

/** The published MSMAE program: MAE with a head on the cls token, and segmenters. Our own keys are these. */
export const msmae: Layout = {
  ...mae,
  name: "msmae",
  title: "MSMAE",
  recognises: ({ shapes }) =>
    (shapes.has("decoder_embed.weight") && shapes.has("head.weight")) ||
    [...shapes.keys()].some((key) => key.startsWith("heads.")),
};
