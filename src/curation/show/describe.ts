import type { ShownPicture, ShownWindow, ShowResult, ValueRange } from "./show.ts";

/** The result as lines for people, one for each step. */
export function describeShown(result: ShowResult): string[] {
  const { transferSyntax, photometric, spacing, header, picture, window } = result;
  const lines = [
    `${result.path}: ${result.format}`,
    ...Object.entries({ transferSyntax, photometric, spacing, ...header })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `  ${key}: ${typeof value === "object" ? JSON.stringify(value) : value}`),
    `decoded array: ${result.dtype} [${result.shape.join(", ")}], ${rangeText(result.range)}`,
  ];
  if (picture && window) {
    const axis = result.format.startsWith("NIfTI") ? ` (${picture.axis})` : "";
    const which = picture.count > 1 ? `picture ${picture.item} of ${picture.count}${axis}, ` : "";
    const size = `${picture.width}×${picture.height}`;
    lines.push(
      `after rescaling: ${which}${size}, ${picture.channels === 1 ? "grey" : "RGB"}, ${rangeText(picture.range)}`,
      ...unmeasuredLines(picture),
      `window: ${windowText(window)}${picture.inverted ? ", inverted" : ""}`,
      `displayed: ${size}×${picture.channels}, 8 bits, ${rangeText(picture.displayed)}`,
    );
  } else lines.push("no pictures in this file");
  if (result.array !== undefined) lines.push(`array written to ${result.array}`);
  if (result.png !== undefined) lines.push(`picture written to ${result.png}`);
  return lines;
}

function rangeText(range: ValueRange): string {
  return range ? `values ${range.min} to ${range.max}` : "no order of values";
}

function unmeasuredLines({ unmeasured, width, height }: ShownPicture): string[] {
  if (unmeasured === 0) return [];
  const share = ((100 * unmeasured) / (width * height)).toPrecision(2);
  return [`no measurement: ${unmeasured} pixels (${Number(share)} %), shown black and left out of the window`];
}

function windowText({ from, shape, center, width }: ShownWindow): string {
  if (shape === "LUT") return `table of levels, ${from}`;
  const how = shape === "RANGE" ? "" : ` (${shape})`;
  return `centre ${center}, width ${width}${how}, ${from}`;
}
