import { decodeImage } from "../../data/pictures/decode-image.ts";
import type { SliceAxis } from "../../formats/source-image.ts";
import { toChannels } from "../../images/channels.ts";
import { Resizer } from "../../images/transforms/resize.ts";
import type { WindowRule } from "../../images/window.ts";
import { type Html, html } from "../../results/report/html.ts";
import { inlineImage } from "../../results/report/png.ts";
import { blankImage, enlarge, type RgbImage } from "../../results/visual/index.ts";
import type { LocatedPair } from "./pairs.ts";
import type { Pictures } from "./pictures.ts";
import type { NamedPicture } from "./result.ts";
import { THUMB_AREA, THUMB_SIDE } from "./symmetry.ts";

/** Longest side of a picture in the report, in pixels. */
const SHOWN_SIDE = 176;
/** Pixels of a thumbnail that are border, on each side. */
const RING = THUMB_SIDE / 16;

/** Reads pictures again to show them. */
export class PictureReader {
  readonly #pictures: Pictures;
  readonly #window: WindowRule;
  readonly #sliceAxis: SliceAxis;
  readonly #resizer = new Resizer();

  constructor(pictures: Pictures, window: WindowRule, sliceAxis: SliceAxis) {
    this.#pictures = pictures;
    this.#window = window;
    this.#sliceAxis = sliceAxis;
  }

  /** A picture no longer than {@link SHOWN_SIDE}; a grey square where it cannot be read any more. */
  async read(at: number): Promise<RgbImage> {
    const { path, item } = this.#pictures.sample(at);
    const options = { channels: 3 as const, window: this.#window, sliceAxis: this.#sliceAxis };
    try {
      const image = toChannels(await decodeImage(path, item === undefined ? options : { ...options, item }), 3);
      const scale = SHOWN_SIDE / Math.max(image.width, image.height);
      const width = Math.max(1, Math.round(image.width * scale));
      const height = Math.max(1, Math.round(image.height * scale));
      return { width, height, data: this.#resizer.resize(image, height, width, { filter: "bilinear" }) };
    } catch {
      return blankImage(SHOWN_SIDE, SHOWN_SIDE, [128, 128, 128]);
    }
  }
}

/** Pairs side by side. */
export async function pairGrid(reader: PictureReader, pairs: readonly LocatedPair[]): Promise<Html> {
  const figures: Html[] = [];
  for (const { pair, a, b, symmetry } of pairs) {
    const conflict = pair.a.class !== pair.b.class ? html` <strong>Different classes.</strong>` : html``;
    const how =
      pair.kind === "identical"
        ? "Identical, pixel for pixel."
        : `Nearly identical (detail ${pair.detail.toFixed(2)} of 1)${symmetry === 0 ? "" : `; the right one is ${pair.turn}`}.`;
    const sides = [await picture(reader, a, pair.a), await picture(reader, b, pair.b)];
    figures.push(html`<div class="pair">${sides}<p>${how}${conflict}</p></div>`);
  }
  return html`<div class="pairs">${figures}</div>`;
}

/** Single pictures in a row. */
export async function pictureStrip(
  reader: PictureReader,
  shown: readonly { at: number; name: NamedPicture }[],
): Promise<Html> {
  const figures: Html[] = [];
  for (const { at, name } of shown) figures.push(await picture(reader, at, name));
  return html`<div class="strip">${figures}</div>`;
}

async function picture(
  reader: PictureReader,
  at: number,
  { path, item, split, class: label }: NamedPicture,
): Promise<Html> {
  const image = await inlineImage(await reader.read(at), `${path}${item === undefined ? "" : `, picture ${item}`}`);
  return html`<figure>${image}<figcaption><strong>${split}</strong>, ${label}<br>${path}${item === undefined ? "" : ` (${item})`}</figcaption></figure>`;
}

/** The mean border of each class, its grey levels stretched alike for all; the inside is left out. */
export async function meanBorders(pictures: Pictures, classNames: readonly string[]): Promise<Html> {
  const sums = classNames.map(() => new Float64Array(THUMB_AREA));
  const counts = classNames.map(() => 0);
  for (let at = 0; at < pictures.count; at++) {
    if (!pictures.readable[at]) continue;
    const { label } = pictures.sample(at);
    counts[label] = (counts[label] as number) + 1;
    const sum = sums[label] as Float64Array;
    for (const [k, level] of pictures.thumb(at).entries()) sum[k] = (sum[k] as number) + level;
  }
  const shown = classNames.map((name, label) => ({
    name,
    count: counts[label] as number,
    sum: sums[label] as Float64Array,
  }));
  const present = shown.filter(({ count }) => count > 0);
  const levels = present.flatMap(({ sum, count }) =>
    [...sum].filter((_, at) => isBorder(at)).map((level) => level / count),
  );
  const low = levels.reduce((least, level) => Math.min(least, level), 255);
  const high = levels.reduce((most, level) => Math.max(most, level), 0);
  const figures: Html[] = [];
  for (const { name, count, sum } of present) {
    const image = blankImage(THUMB_SIDE, THUMB_SIDE, [236, 236, 234]);
    for (const [at, level] of sum.entries()) {
      if (!isBorder(at)) continue;
      image.data.fill(Math.round((255 * (level / count - low)) / Math.max(1, high - low)), at * 3, at * 3 + 3);
    }
    const drawn = await inlineImage(enlarge(image, 5), `mean border of class ${name}`);
    figures.push(html`<figure>${drawn}<figcaption>${name}</figcaption></figure>`);
  }
  return html`<div class="strip">${figures}</div>
<p class="note">Black is grey level ${Math.round(low)} of 255, white is ${Math.round(high)}.</p>`;
}

function isBorder(at: number): boolean {
  const x = at % THUMB_SIDE;
  const y = Math.floor(at / THUMB_SIDE);
  return Math.min(x, y, THUMB_SIDE - 1 - x, THUMB_SIDE - 1 - y) < RING;
}
