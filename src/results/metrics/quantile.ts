/**
 * The value below which a share of the values lies, by linear interpolation between its neighbours.
 *
 * @param sorted ascending, at least one.
 * @param share in [0, 1].
 *
 * NumPy's `quantile` with its default method.
 */
export function quantileOf(sorted: ArrayLike<number>, share: number): number {
  const position = share * (sorted.length - 1);
  const low = Math.floor(position);
  const from = sorted[low] as number;
  return from + ((sorted[Math.min(sorted.length - 1, low + 1)] as number) - from) * (position - low);
}
