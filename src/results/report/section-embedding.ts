import { embeddingChart } from "./charts-embedding.ts";
import { type Html, html, section } from "./html.ts";
import type { EmbeddingSection } from "./types.ts";

/** The images as points, a picture for each colouring. */
export async function embeddingSection({ places, colourings }: EmbeddingSection): Promise<Html> {
  const charts: Html[] = [];
  for (const { name, values } of colourings) charts.push(await embeddingChart(places, name, values));
  if (charts.length === 0) charts.push(await embeddingChart(places, "image", []));
  return section(
    "embedding",
    "Which images it takes for alike",
    html`<p>Each point is an image; those of similar features stand together. Directions, axes and the distance between
clusters mean nothing. Clusters of one class are what one hopes for; clusters of one scanner, site or split mean that the
features tell how an image was made.</p>`,
    html`<div class="charts">${charts}</div>`,
  );
}
