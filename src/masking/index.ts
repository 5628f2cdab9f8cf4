/** Which patches are masked, thrown away and kept, and the pixels that follow: the subpath `msmae/masking`. */
export { type AffineMatrix, type Geometry, type PatchWeightOptions, patchWeights, type Warp } from "./patch-weights.ts";
export * from "./selection.ts";
export * from "./tokens.ts";
