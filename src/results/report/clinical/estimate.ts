import type { Estimate } from "../../metrics/index.ts";

/** A figure's value with its 95 % interval, as `shown` writes numbers. */
export function withInterval({ value, low, high }: Estimate, shown: (value: number | null) => string): string {
  return low === null || high === null ? shown(value) : `${shown(value)} (${shown(low)} to ${shown(high)})`;
}

/** A share in percent, without the sign that its column's title has. */
export const percentage = (value: number | null): string => (value === null ? "–" : (100 * value).toFixed(1));
