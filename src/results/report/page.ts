import { type Html, html, nothing } from "./html.ts";
import { STYLE } from "./style.ts";

/** A section and where it is found. */
export interface PageSection {
  id: string;
  /** Name in the contents. */
  short: string;
  content: Html;
}

/** A page's frame and what it holds. */
export interface Page {
  title: string;
  /** One or two sentences under the title. */
  lead?: string;
  /** See {@link tileRow}. */
  tiles?: Html;
  sections: readonly PageSection[];
}

/** A document of its own, with every picture and style inside, that runs no script. */
export function renderPage({ title, lead, tiles = nothing, sections }: Page): string {
  const body = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="msmae">
<title>${title}</title>
<style>`;
  const page = html`</style>
</head>
<body>
<header>
<h1>${title}</h1>
${lead === undefined ? nothing : html`<p class="lead">${lead}</p>`}
<p class="warning"><strong>Not a medical device.</strong> For research only: nothing here may guide the care of a patient.</p>
${tiles}
${sections.length < 2 ? nothing : html`<nav aria-label="Contents"><ul>${sections.map(({ id, short }) => html`<li><a href="#${id}">${short}</a></li>`)}</ul></nav>`}
</header>
<main>
${sections.map(({ content }) => content)}
</main>
<footer><p class="note">Made by msmae, supervised masked autoencoders for medical images (method: arXiv 2305.05871). Not a medical device.</p></footer>
</body>
</html>
`;
  return body.markup + STYLE + page.markup;
}

/** Headline figures in a row; nothing without any. */
export function tileRow(tiles: readonly { value: string; label: string }[]): Html {
  if (tiles.length === 0) return nothing;
  const shown = tiles.map(({ value, label }) => html`<div class="tile"><b>${value}</b><span>${label}</span></div>`);
  return html`<div class="tiles">${shown}</div>`;
}
