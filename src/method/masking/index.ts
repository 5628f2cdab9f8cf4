/** Which patches are masked, thrown away and kept, and the pixels that follow: the subpath `msmae/masking`. */
export type { Geometry } from "../../geometry/geometry.ts";
export type { AffineMatrix, Warp } from "../../geometry/warps.ts";
export { entropyMap } from "./entropy-map.ts";
export { type PatchWeightOptions, patchWeights } from "./patch-weights.ts";
export * from "./policy.ts";
export * from "./selection.ts";
export * from "./tokens.ts";
