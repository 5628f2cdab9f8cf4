import { z } from "zod";
import { field } from "./fields.ts";

/** Whose defaults a training takes. */
export const RECIPES = ["paper", "small"] as const;
export type Recipe = (typeof RECIPES)[number];

/** Fewer training images than this are a small data set on any machine: the paper's smallest has about as many. */
const FEW_IMAGES = 1000;

export const recipeField = field(
  z.enum(RECIPES).optional(),
  "Whose defaults: the paper's, or ours for small data sets and machines, as measured in docs/results.md. Whatever is given beside it wins.",
  { defaultText: `small without a GPU or with fewer than ${FEW_IMAGES} training images, else paper` },
);

/** The recipe of a run that is not told one, and why, in the words of a sentence. */
export function chosenRecipe({ images, device }: { images: number; device: string }): { recipe: Recipe; why: string } {
  if (device !== "cuda") return { recipe: "small", why: "without a GPU" };
  if (images < FEW_IMAGES) return { recipe: "small", why: `${images} training images` };
  return { recipe: "paper", why: `a GPU and ${images} training images` };
}

/** Fills in what a recipe decides and nobody has said. */
export function completeFrom<Options extends object>(options: Options, defaults: Partial<Options>): void {
  for (const name of Object.keys(defaults) as (keyof Options)[])
    options[name] ??= defaults[name] as Options[typeof name];
}
