import type { LayoutChoice } from "../../config/checkpoint-layouts.ts";
import { dino, dinov2 } from "./dino.ts";
import { hfDinov2, hfVit, hfVitMae } from "./hugging-face.ts";
import type { Contents, Layout, Shapes } from "./layout.ts";
import { mae } from "./mae.ts";
import { msmae } from "./msmae.ts";
import { retfoundDinov2, retfoundMae } from "./retfound.ts";
import { timm, timmEncoder } from "./timm.ts";
import { modelKeys } from "./wrappers.ts";

/** Every layout. Those before are recognised before those after. */
const layouts: readonly Layout[] = [
  ...[hfVitMae, hfVit, hfDinov2],
  ...[msmae, mae, retfoundMae, retfoundDinov2, dinov2, dino],
  ...[timm, timmEncoder],
];

/** A file's model, its layout found. */
export interface Recognised extends Contents {
  layout: Layout;
  /** The file's key for each of the model's. */
  sources: ReadonlyMap<string, string>;
}

/**
 * The layout of a file; undefined where it holds no vision transformer.
 *
 * @param asked the layout that it is said to have: taken where none of that name recognises it, too.
 */
export function recognise(file: Shapes, asked: LayoutChoice = "auto"): Recognised | undefined {
  const model = modelKeys([...file.keys()]);
  if (!model) return undefined;
  const { wrapper, sources } = model;
  const shapes = new Map([...sources].map(([key, source]) => [key, file.get(source) as readonly number[]]));
  const contents = { shapes, wrapper };
  const own = layouts.filter(({ name }) => asked === "auto" || name === asked);
  const found = own.find(({ recognises }) => recognises(contents));
  const layout = found ?? (asked === "auto" ? undefined : own[0]);
  return layout && { ...contents, sources, layout };
}
