import {
  type ColourMapName,
  colourTable,
  enlarge,
  enlargeGrid,
  maskingView,
  outlineMask,
  overlayMap,
  type RgbImage,
  reconstructionPictures,
} from "../visual/index.ts";
import { decimal, Html, html, nothing, percent, section } from "./html.ts";
import { inlineImage } from "./png.ts";
import type {
  AttentionExample,
  AttentionSection,
  PointingGameSection,
  ReconstructionExample,
  RetrievalSection,
} from "./types.ts";

const COLOUR_MAP: ColourMapName = "inferno";
/** Smaller pictures are enlarged to about this many pixels, so that outlines stay thin and maps smooth. */
const SHOWN_PIXELS = 224;
const FILLED_IN = "hidden patches filled in";

/** Attention maps over images, one model beside the other. */
export async function attentionSection({ examples }: AttentionSection): Promise<Html> {
  const rows = await Promise.all(examples.map(attentionRow));
  const outlined = examples.some(({ lesion }) => lesion !== undefined);
  return section(
    "attention",
    "Where it looks",
    html`<p>How much each place contributes to the network's summary of the image (attention of the class token in the last
block, mean over heads). Each map is scaled to its own range, so compare places, not brightness between maps.
${outlined ? "The thin cyan line is the true outline of the lesion; the network never saw it." : ""}</p>`,
    colourScale(),
    html`<div class="rows">${rows}</div>`,
  );
}

/** The images that were told wrong with the most confidence. */
export async function errorsSection(examples: readonly AttentionExample[]): Promise<Html> {
  const rows = await Promise.all(examples.map(attentionRow));
  const shown = html`<p>The images whose wrong answer was given with the highest probability, the surest first. Look for a
wrong label, a cut or damaged picture, something else that the picture shows, and for attention on what is not the lesion.</p>
<div class="rows">${rows}</div>`;
  return section(
    "errors",
    "Where it was sure and wrong",
    rows.length > 0 ? shown : html`<p>No image was told wrong.</p>`,
  );
}

async function attentionRow({ caption, image, maps, lesion, reconstruction }: AttentionExample): Promise<Html> {
  const factor = enlargement(image);
  const large = enlarge(image, factor);
  const outlined = (picture: RgbImage): RgbImage =>
    lesion === undefined ? picture : outlineMask(picture, enlargeGrid(lesion, factor), { thickness: 2 });
  const pictures = [
    { name: "image", picture: outlined(large) },
    ...maps.map(({ name, map }) => ({ name, picture: outlined(overlayMap(large, map, { colourMap: COLOUR_MAP })) })),
    ...(reconstruction ? [{ name: FILLED_IN, picture: enlarge(reconstruction, enlargement(reconstruction)) }] : []),
  ];
  const about = (name: string): string => (name === FILLED_IN ? name : `attention map of ${name}`);
  return pictureRow(caption, pictures, (name) => (name === "image" ? caption : `${caption}: ${about(name)}`));
}

function colourScale(): Html {
  const table = colourTable(COLOUR_MAP);
  const stops = Array.from({ length: 9 }, (_, i) => `rgb(${table.subarray(i * 31 * 3, i * 31 * 3 + 3).join(" ")})`);
  const gradient = new Html(`background:linear-gradient(90deg, ${stops.join(", ")})`);
  return html`<div class="scale"><span>least</span><i style="${gradient}"></i><span>most attention</span></div>`;
}

/** What the decoder makes of the patches that it was not shown. */
export async function reconstructionSection(examples: readonly ReconstructionExample[]): Promise<Html> {
  const names = ["original", "what the encoder saw", FILLED_IN];
  const rows = await Promise.all(
    examples.map(async ({ caption, ...example }) => {
      const factor = enlargement(example.original);
      const original = enlarge(example.original, factor);
      const patchSize = example.patchSize * factor;
      const { mask } = example;
      const reconstruction = enlarge(example.reconstruction, factor);
      const [, seen, , filledIn] = reconstructionPictures({
        original,
        reconstruction,
        mask,
        patchSize,
        withVisible: true,
      });
      // The decoder is asked for hidden patches alone: what it makes of the others says nothing.
      const thrown = Array.from(mask, (state) => Math.min(state, 0));
      const third = maskingView(filledIn as RgbImage, thrown, patchSize);
      const pictures = [original, seen as RgbImage, third].map((picture, i) => ({ name: names[i] as string, picture }));
      return pictureRow(caption, pictures, (name) => `${caption}: ${name}`);
    }),
  );
  return section(
    "reconstructions",
    "What it can fill in",
    html`<p>Grey patches were hidden and had to be filled in; dark hatched ones were thrown away and nothing is asked of them.
Reconstructions are blurred by nature: the network predicts the mean of what could be there.</p>`,
    html`<div class="rows">${rows}</div>`,
  );
}

/** Images beside the training images nearest to them. */
export async function retrievalSection({ examples }: RetrievalSection): Promise<Html> {
  const rows = await Promise.all(
    examples.map(({ caption, image, neighbours }) => {
      const near = neighbours.map(({ name, similarity, image: picture }) => ({
        name: `${name} (${decimal(similarity)})`,
        picture: enlarge(picture, enlargement(picture)),
      }));
      const pictures = [{ name: "image", picture: enlarge(image, enlargement(image)) }, ...near];
      return pictureRow(caption, pictures, (name) => (name === "image" ? caption : `nearest to it: ${name}`));
    }),
  );
  return section(
    "retrieval",
    "What it finds alike",
    html`<p>Beside each image the training images whose features are nearest to its own, with their class and the cosine of
the angle between them: 1 for the same direction. What they have in common is what the encoder goes by.</p>`,
    html`<div class="rows">${rows}</div>`,
  );
}

async function pictureRow(
  caption: string,
  pictures: readonly { name: string; picture: RgbImage }[],
  alternative: (name: string) => string,
): Promise<Html> {
  const figures = await Promise.all(
    pictures.map(async ({ name, picture }) => {
      const image = await inlineImage(picture, alternative(name));
      return html`<figure>${image}<figcaption>${name}</figcaption></figure>`;
    }),
  );
  const columns = new Html(`grid-template-columns:repeat(${pictures.length}, minmax(0, 14rem))`);
  return html`<div><h3>${caption}</h3><div class="pictures" style="${columns}">${figures}</div></div>`;
}

function enlargement({ width, height }: RgbImage): number {
  return Math.max(1, Math.round(SHOWN_PIXELS / Math.max(width, height)));
}

/** How often each model's map peaks in the lesion, beside chance. */
export function pointingGameSection({ results, tolerance = 0 }: PointingGameSection): Html {
  const [first] = results;
  if (first === undefined) return nothing;
  const rows = results.map(({ name, result: { hitRate, interval, n } }) => {
    const range = interval === null ? "" : ` (95 % interval ${percent(interval[0])} to ${percent(interval[1])})`;
    return bar(name, hitRate, `${percent(hitRate)} of ${n}`, "", interval, range);
  });
  const chance = bar("chance: a random point", first.result.chance, percent(first.result.chance), " chance", null, "");
  const left = first.result.withoutLesion;
  return section(
    "pointing-game",
    "Does it look at the lesion?",
    html`<p>The pointing game: in how many images does the brightest point of the attention map lie inside the true lesion
outline${tolerance > 0 ? ` or at most ${tolerance} pixels beside it` : ""}? The thin line is the 95 % interval.</p>`,
    html`<div class="bars">${[...rows, chance]}</div>`,
    left === 0 ? nothing : html`<p class="note">${left} images without a lesion are left out.</p>`,
  );
}

function bar(
  name: string,
  value: number | null,
  shown: string,
  kind: string,
  interval: readonly [number, number] | null,
  range: string,
): Html {
  const width = new Html(`width:${((value ?? 0) * 100).toFixed(2)}%`);
  const whisker =
    interval === null
      ? nothing
      : html`<u style="left:${(interval[0] * 100).toFixed(2)}%;width:${((interval[1] - interval[0]) * 100).toFixed(2)}%"></u>`;
  return html`<div><div class="label"><span>${name}</span><span>${shown}</span></div>
<div class="bar${kind}" role="img" aria-label="${name}: ${shown}${range}"><i style="${width}"></i>${whisker}</div></div>`;
}
