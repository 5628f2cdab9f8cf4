/** How the optimiser treats a tensor. */
export interface ParameterGroup {
  /** A factor on the learning rate. */
  lrScale: number;
  /** Decoupled weight decay, as AdamW's: the weight itself shrinks. */
  weightDecay: number;
  /** Coupled weight decay, as Adam's L2 penalty: its derivative joins the gradient, after clipping. 0 where absent. */
  l2?: number;
}

/** A trainable tensor as the grouping sees it. */
export interface GroupedTensor {
  name: string;
  shape: readonly number[];
}

/**
 * How each tensor is treated: weight decay on tensors of rank 2 and more, of which `decays` may except some; a factor on
 * the learning rate by name, 1 unless told otherwise.
 */
export function parameterGroups(
  tensors: Iterable<GroupedTensor>,
  options: { weightDecay: number; decays?(name: string): boolean; lrScale?(name: string): number },
): Map<string, ParameterGroup> {
  const { weightDecay, decays = () => true, lrScale = () => 1 } = options;
  return new Map(
    [...tensors].map(({ name, shape }) => [
      name,
      { lrScale: lrScale(name), weightDecay: shape.length >= 2 && decays(name) ? weightDecay : 0 },
    ]),
  );
}
