import type { Estimate } from "../../metrics/index.ts";
import { decimal, type Html, html, percent, table } from "../html.ts";
import { withInterval } from "./estimate.ts";
import type { ClinicalFigures, LocalisationMeasure, LocalisationSummary } from "./types.ts";

type Figure = LocalisationSummary[LocalisationMeasure];

const MEASURES: readonly { measure: LocalisationMeasure; name: string; shown: (value: number | null) => string }[] = [
  { measure: "pointing", name: "Brightest point in the lesion", shown: share },
  { measure: "insideShare", name: "Share of attention in the lesion", shown: share },
  { measure: "auc", name: "AUC of attention against the mask", shown: decimal },
];

/** Whether the model looks at what masks outline; nothing where there are none. */
export function localisationPart({ localisation }: ClinicalFigures): Html[] {
  if (localisation === undefined) return [];
  const { n, withoutLesion, groups, resamples } = localisation;
  const told = (name: string, of: (figure: Figure) => Estimate | undefined): (string | Html)[] => [
    name,
    ...MEASURES.map(({ measure, shown }) => {
      const estimate = of(localisation[measure]);
      return estimate === undefined ? "–" : withInterval(estimate, shown);
    }),
  ];
  const rows = [
    told("This model", ({ maps }) => maps),
    told("The same network with random weights", ({ random }) => random),
    told("Always the middle of the image", ({ centre }) => centre),
    ["Chance", ...MEASURES.map(({ measure, shown }) => shown(localisation[measure].chance))],
    told("This model less random weights", ({ overRandom }) => overRandom),
    told("This model less the middle", ({ overCentre }) => overCentre),
  ];
  const caption = `Attention of ${n} images beside their masks, with 95 % intervals`;
  return [
    html`<h3>Does it look at the lesion?</h3>`,
    table(caption, [{ title: "What looks" }, ...MEASURES.map(({ name: title }) => ({ title, numeric: true }))], rows),
    html`<p class="note">Lesions lie where the camera points: only what is above the middle of the image is knowledge of the
image, and what is above random weights was learned. Intervals are percentiles of ${resamples} bootstrap resamples of
${groups} patients, lesions or files. ${withoutLesion === 0 ? "" : `${withoutLesion} images with an empty mask are left out.`}</p>`,
  ];
}

function share(value: number | null): string {
  return value === null ? "–" : percent(value);
}
