import type { TargetMaker } from "./target-maker.ts";

/** The class of each image. */
export interface ClassTarget {
  kind: "class";
  /** int32 [B], indices into the data set's class names; −1 where nothing may be learned of it. */
  labels: Int32Array;
}

export const classTargets: TargetMaker<ClassTarget> = {
  of: (samples) => ({
    kind: "class",
    labels: Int32Array.from(samples, ({ label, unlabelled }) => (unlabelled ? -1 : label)),
  }),
};
