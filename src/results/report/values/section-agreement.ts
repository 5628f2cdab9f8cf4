import { type Html, html, nothing, section } from "../html.ts";
import { agreementChart, knownPoints, predictionChart } from "./charts.ts";
import type { AgreementSection } from "./types.ts";

/** How a number that was told agrees with the truth, image by image. */
export async function agreementSection(agreement: AgreementSection): Promise<Html> {
  const { name, metrics } = agreement;
  const { n, limitLow, limitHigh, intervals } = metrics;
  const charts = [await agreementChart(agreement), await predictionChart(agreement)];
  const drawn = knownPoints(agreement).length;
  const bands = intervals === undefined ? "" : " Bands are 95 % intervals of the bias and of both limits.";
  const fewer = drawn < n ? ` Of the ${n} images ${drawn} are drawn.` : "";
  const share =
    limitLow === null || limitHigh === null
      ? nothing
      : html` ${outside(agreement, limitLow, limitHigh)} of ${n} lie outside of the limits; of normally distributed differences about ${(0.05 * n).toFixed(0)} would.`;
  return section(
    "agreement",
    `Image by image: ${name}`,
    html`<p>Each point is an image. A cloud that climbs, falls or widens from left to right means that bias or spread depend on
the size of the number, so that one pair of limits does not hold for all.${share}${bands}${fewer}</p>`,
    html`<div class="charts">${charts}</div>`,
  );
}

function outside({ truth, predicted }: AgreementSection, low: number, high: number): number {
  return Array.from(truth).filter((value, i) => {
    const difference = (predicted[i] as number) - value;
    return difference < low || difference > high;
  }).length;
}
