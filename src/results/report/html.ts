/** Text that is already HTML: made by {@link html}, never from what a user gave. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Part = string | number | Html | readonly Html[];

/** A template of HTML: every string and number put into it is escaped, nested templates are not. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.map((string, i) => string + (i < parts.length ? markupOf(parts[i] as Part) : "")).join(""));
}

function markupOf(part: Part): string {
  if (part instanceof Html) return part.markup;
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return part.map(({ markup }) => markup).join("\n");
}

/** Text made safe for HTML content and quoted attributes; control characters that HTML forbids are dropped. */
export function escapeHtml(text: string): string {
  return text
    .replace(/\p{Cc}/gu, (character) => ("\n\t".includes(character) ? character : ""))
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Nothing, where a part of the report is absent. */
export const nothing = html``;

/** A section with its heading; `id` is the anchor of the contents. */
export function section(id: string, title: string, ...content: readonly Html[]): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content}</section>`;
}

/** One column of {@link table}. */
export interface Column {
  title: string;
  /** Right-aligned digits of equal width. */
  numeric?: boolean;
}

/**
 * A table whose first column heads its rows; it scrolls sideways by itself on a narrow screen. `stacked` puts the last
 * column below the others there, for tables that end in a sentence.
 */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly (string | Html)[])[],
  kind: "plain" | "stacked" = "plain",
): Html {
  const align = (column: number): Html => (columns[column]?.numeric ? html` class="number"` : nothing);
  const head = columns.map(({ title }, i) => html`<th scope="col"${align(i)}>${title}</th>`);
  const body = rows.map(([first = "", ...cells]) => {
    const rest = cells.map((cell, i) => html`<td${align(i + 1)}>${cell}</td>`);
    return html`<tr><th scope="row">${first}</th>${rest}</tr>`;
  });
  return scrollingTable(caption, kind, head, body);
}

/** The frame of a table; the caption stands outside, so that it wraps while the table scrolls. */
export function scrollingTable(caption: string, kind: string, head: readonly Html[], rows: readonly Html[]): Html {
  return html`<p class="note caption">${caption}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="${kind}" aria-label="${caption}">
<thead><tr>${head}</tr></thead>
<tbody>
${rows}
</tbody></table></div>`;
}

/** Label and value pairs. */
export function facts(entries: readonly { label: string; value: string }[]): Html {
  return html`<dl class="facts">
${entries.map(({ label, value }) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}
</dl>`;
}

/** A share as a percentage with one digit; "–" where undefined. */
export function percent(value: number | null): string {
  return value === null ? "–" : `${(value * 100).toFixed(1)} %`;
}

/** A number with three digits after the point, or as many as told; "–" where undefined. */
export function decimal(value: number | null, digits = 3): string {
  return value === null ? "–" : value.toFixed(digits).replace("-", "−");
}
