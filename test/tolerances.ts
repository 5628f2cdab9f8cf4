/** How far a result may be from its golden value: relative to the golden tensor's largest element unless said otherwise. */
export interface Tolerance {
  relative: number;
  reason: string;
}

/** Precision that golden values were computed in. */
export type GoldenDtype = "float64" | "float32";

/** What computed the result: the float64 interpreter, or ONNX Runtime's CPU provider in fp32. */
export type Executor = "float64" | "cpu";

/** Tolerances by the golden's dtype and by what computed the result. */
export type Table = Readonly<Record<GoldenDtype, Readonly<Record<Executor, Tolerance>>>>;

/** Results that have one right answer. */
export const exact: Tolerance = { relative: 0, reason: "selections, copies and bytes have one right value" };

/** float64 arithmetic outside of graphs: schedules, groups, position tables, metrics. */
export const hostFloat64: Tolerance = {
  relative: 1e-12,
  reason: "float64 on both sides; orders of summation and elementary functions differ",
};

/** Single fp32 values of one or two operations, such as an interpolated pixel of a map. */
export const hostFloat32: Tolerance = { relative: 1e-6, reason: "a few fp32 roundings" };

/**
 * Tables and figures that no graph takes part in, by what the golden stores. What is stored in fp32 was often computed
 * in it as well, as the rates of torch.linspace are: a step of fp32, then a product and a sum of it.
 */
export const hostValues: Readonly<Record<GoldenDtype, Tolerance>> = { float64: hostFloat64, float32: hostFloat32 };

/** Sums of attention weights over the pixels of a patch. */
export const patchSums: Readonly<Record<GoldenDtype, Tolerance>> = {
  float64: hostFloat64,
  float32: { relative: 1e-5, reason: "the golden sums a patch's pixels in fp32, ours in float64" },
};

/** Forward results, losses and attention maps. */
export const outputs: Table = {
  float64: {
    float64: { relative: 1e-11, reason: "orders of float64 summation differ (seen: 3e-15)" },
    cpu: { relative: 2e-5, reason: "fp32 rounding through the network (seen: 5e-7, depth 12: 2e-6)" },
  },
  float32: {
    float64: { relative: 2e-5, reason: "the golden is fp32 (seen: 1e-6)" },
    cpu: { relative: 2e-5, reason: "fp32 rounding on both sides (seen: 2e-6)" },
  },
};

/** Every element of every gradient. */
export const gradients: Table = {
  float64: {
    float64: { relative: 1e-11, reason: "orders of float64 summation differ (seen: 5e-15)" },
    cpu: { relative: 5e-5, reason: "fp32 rounding forward and backward, and sums that cancel (seen: 2e-6)" },
  },
  float32: {
    float64: { relative: 5e-5, reason: "the golden is fp32 (seen: 2e-6)" },
    cpu: { relative: 5e-5, reason: "fp32 rounding on both sides (seen: 2e-6)" },
  },
};

/** Losses, gradient norms and parameters along an AdamW trajectory. */
export const afterAdamW: Table = {
  float64: {
    float64: { relative: 1e-10, reason: "rounding that AdamW divides by small gradients (seen: 5e-15)" },
    cpu: {
      relative: 5e-5,
      reason: "fp32 rounding that AdamW divides by small gradients, over all steps (seen: 3e-6, depth 12: 7e-6)",
    },
  },
  float32: {
    float64: { relative: 5e-5, reason: "the golden is fp32 (seen: 4e-6)" },
    cpu: { relative: 5e-5, reason: "fp32 rounding on both sides, over all steps (seen: 6e-6)" },
  },
};

/** Losses, parameters and running statistics along a trajectory of LARS, whose rates are quotients of norms. */
export const afterLars: Table = {
  float64: {
    float64: { relative: 1e-11, reason: "orders of float64 summation differ (seen: 3e-16)" },
    cpu: { relative: 2e-5, reason: "fp32 rounding over all steps (seen: 4e-7)" },
  },
  float32: {
    float64: { relative: 2e-5, reason: "the golden is fp32" },
    cpu: { relative: 2e-5, reason: "fp32 rounding on both sides, over all steps" },
  },
};

/**
 * The key part of a qkv bias after AdamW steps: what this table allows, relative to the sum of the learning rates so
 * far (about the longest way that AdamW can go), is added to {@link afterAdamW}. Softmax does not depend on this part,
 * so that its gradient is rounding noise alone, which AdamW divides by its own size: two correct fp32 programs go
 * different ways here, and only the float64 comparison tells right from wrong.
 */
export const keyBiasAfterAdamW: Table = {
  float64: {
    float64: { relative: 1e-8, reason: "float64 noise of 1e-18 against AdamW's epsilon of 1e-8 (seen: 3e-11)" },
    cpu: { relative: 1, reason: "fp32 noise of 1e-10 to 1e-8 against AdamW's epsilon of 1e-8 (seen: 0.01 to 0.2)" },
  },
  float32: {
    float64: { relative: 1, reason: "the golden's fp32 noise (seen: 0.01 to 0.1)" },
    cpu: { relative: 1, reason: "fp32 noise on both sides (seen: 0.02 to 0.2)" },
  },
};
