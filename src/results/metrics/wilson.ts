/**
 * 95 % confidence interval of a proportion of n.
 *
 * Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
 */
export function wilsonInterval(proportion: number, n: number): [low: number, high: number] {
  const z = 1.959963984540054;
  const centre = proportion + (z * z) / (2 * n);
  const spread = z * Math.sqrt((proportion * (1 - proportion)) / n + (z * z) / (4 * n * n));
  const scale = 1 + (z * z) / n;
  // At 0 and 1 one end is exact; rounding would leave a little beside it.
  const low = proportion === 0 ? 0 : (centre - spread) / scale;
  return [low, proportion === 1 ? 1 : (centre + spread) / scale];
}
