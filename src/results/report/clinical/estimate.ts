import type { Estimate } from "../../metrics/index.ts";
import { type Html, html } from "../html.ts";

/** A figure's value above its 95 % interval, as `shown` writes numbers: beside each other they make tables too wide to print. */
export function withInterval(
  { value, low, high }: Pick<Estimate, "value" | "low" | "high">,
  shown: (value: number | null) => string,
): Html {
  if (low === null || high === null) return html`${shown(value)}`;
  return html`${shown(value)}<br><small class="spread">(${shown(low)} to ${shown(high)})</small>`;
}

/** A share in percent, without the sign that its column's title has. */
export const percentage = (value: number | null): string =>
  value === null ? "–" : (100 * value).toFixed(1).replace("-", "−");
