import { facts, type Html, html, table } from "../../results/report/html.ts";
import { namePicture } from "./pairs.ts";
import type { CheckReportInput } from "./report-input.ts";
import { type PictureReader, pictureStrip } from "./report-pictures.ts";

/** Pictures shown of those that look odd, and files named of those that cannot be read. */
const SHOWN = { odd: 12, unreadable: 50 };

/** What the files are, and which could not be read or look odd. */
export async function fileContent(
  { result, pictures, dataset, appearance }: CheckReportInput,
  reader: PictureReader,
): Promise<Html[]> {
  const { unreadable, leftOut } = result;
  const { size, formats, modes } = appearance;
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, n]) => `${n} ${name}`)
      .join(", ");
  const sides = (s: { width: number; height: number }) => `${s.width} × ${s.height}`;
  const content = [
    facts([
      { label: "Formats", value: list(formats) || "none readable" },
      { label: "Modes", value: list(modes) || "none readable" },
      ...(size
        ? [
            {
              label: "Size in pixels",
              value: `smallest ${sides(size.smallest)}, median ${sides(size.median)}, largest ${sides(size.largest)}`,
            },
          ]
        : []),
    ]),
  ];
  const faults: [title: string, rows: string[][]][] = [
    ["Cannot be read", unreadable.map(({ path, error }) => [path, error.message])],
    ["Left out", leftOut.map(({ path, reason }) => [path, reason])],
  ];
  for (const [title, rows] of faults) {
    if (rows.length === 0) continue;
    const shown = rows.slice(0, SHOWN.unreadable);
    content.push(
      html`<h3>${title}</h3>`,
      table(`${shown.length} of ${rows.length}.`, [{ title: "File" }, { title: "Why" }], shown, "stacked"),
    );
  }
  const odd: [string, readonly number[]][] = [
    ["Odd size", appearance.oddSizes],
    ["Odd shape", appearance.oddShapes],
    ["Unusual mode", appearance.oddModes],
    ["A side below 32 pixels", appearance.tiny],
    ["Almost nothing to see", appearance.lowRange],
  ];
  for (const [title, positions] of odd) {
    if (positions.length === 0) continue;
    const shown = positions.slice(0, SHOWN.odd).map((at) => ({ at, name: namePicture(dataset, pictures, at) }));
    content.push(html`<h3>${title}: ${positions.length}</h3>`, await pictureStrip(reader, shown));
  }
  return content;
}
