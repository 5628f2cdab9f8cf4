import { type AnyVerb, chosenRecipe, type OptionsOf, valueColumnsOf } from "../config/index.ts";
import { openDataset } from "../data/dataset.ts";
import { forChannels, normalizationOf } from "../interop/checkpoint.ts";
import type { RunHooks } from "../support/events.ts";
import { optionsAtStart } from "./resume.ts";
import type { RunOptions } from "./setup.ts";

/** What a run of a verb is asked for, as far as its recipe depends on it. */
type Request = Omit<RunOptions, "epochs" | "warmupEpochs" | "mean" | "std"> & {
  recipe?: string;
  findings?: string[];
  number?: string;
};

/**
 * The options that a run begins with where nobody says them: of one that goes on those that it began with, of a new one the
 * recipe that fits its machine and its data, and the mean and deviation of the checkpoint that it starts from.
 *
 * @throws MsmaeError Checkpoint when the run to go on with, or the checkpoint to start from, cannot be read; Data when the data cannot be counted.
 */
export async function beginning<V extends AnyVerb>(
  verb: V,
  request: OptionsOf<V> & Request,
  { onEvent }: RunHooks,
): Promise<Readonly<Record<string, unknown>>> {
  const { resume, recipe: asked, device, dataPath } = request;
  if (resume !== undefined) return optionsAtStart(resume);
  const moments = await momentsAtStart(request);
  if (!("recipe" in verb.schema.shape) || asked !== undefined) return moments;
  const count = async () => {
    const values = valueColumnsOf(request);
    const { splits } = await openDataset(dataPath, { ...request, oneClass: true, values, require: ["train"] });
    return splits.train.length;
  };
  // Elsewhere the machine alone decides.
  const { recipe, why } = chosenRecipe({ images: device === "cuda" ? await count() : 0, device });
  onEvent?.({ type: "note", message: `${recipe} recipe, ${why} (docs/results.md); --recipe says which` });
  return { ...moments, recipe };
}

/** Mean and deviation of pixels, as the checkpoint to start from takes them. */
async function momentsAtStart({ init, finetune, from, inChans }: Request): Promise<Readonly<Record<string, unknown>>> {
  if (finetune === undefined || init !== "checkpoint") return {};
  const normalization = await normalizationOf(finetune, from);
  return normalization ? { ...forChannels(normalization, inChans) } : {};
}
