import { type AnyVerb, chosenRecipe, type OptionsOf, valueColumnsOf } from "../config/index.ts";
import { openDataset } from "../data/dataset.ts";
import { forChannels, normalizationOf } from "../interop/checkpoint.ts";
import { type StartSizes, startSizes } from "../interop/start-sizes.ts";
import type { RunHooks } from "../support/events.ts";
import { optionsAtStart } from "./resume.ts";
import type { RunOptions } from "./setup.ts";

/** What a run of a verb is asked for, as far as its recipe depends on it. */
type Request = Omit<RunOptions, "epochs" | "warmupEpochs" | "mean" | "std" | keyof Sizes> &
  Partial<Sizes> & {
    recipe?: string;
    findings?: string[];
    number?: string;
  };

type Sizes = Pick<RunOptions, "model" | "inputSize" | "inChans">;

/**
 * The options that a run begins with where nobody says them: of one that goes on those that it began with, of a new one the
 * recipe that fits its machine and its data, and what it takes over from the checkpoint that it starts from: the model where none
 * is named, mean and deviation.
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
  const sizes = await sizesAtStart(request, verb.models ?? [], onEvent);
  const taken = {
    ...sizes,
    ...(await momentsAtStart({ ...request, inChans: request.inChans ?? sizes?.inChans ?? 3 })),
  };
  if (!("recipe" in verb.schema.shape) || asked !== undefined) return taken;
  const count = async () => {
    const values = valueColumnsOf(request);
    const { splits } = await openDataset(dataPath, { ...request, oneClass: true, values, require: ["train"] });
    return splits.train.length;
  };
  // Elsewhere the machine alone decides.
  const { recipe, why } = chosenRecipe({ images: device === "cuda" ? await count() : 0, device });
  onEvent?.({ type: "note", message: `${recipe} recipe, ${why} (docs/results.md); --recipe says which` });
  return { ...taken, recipe };
}

/** The model and the images of the checkpoint to start from, where no model is named. */
async function sizesAtStart(
  { model, init, finetune, from, inputSize }: Request,
  models: readonly string[],
  onEvent: RunHooks["onEvent"],
): Promise<StartSizes | undefined> {
  if (model !== undefined || finetune === undefined || init !== "checkpoint") return undefined;
  const sizes = await startSizes(finetune, models, { from, inputSize });
  if (sizes) onEvent?.({ type: "note", message: `${sizes.model}, as in ${finetune}; --model names another` });
  return sizes;
}

/** Mean and deviation of pixels, as the checkpoint to start from takes them. */
async function momentsAtStart({
  init,
  finetune,
  from,
  inChans,
}: Pick<Request, "init" | "finetune" | "from"> & { inChans: 1 | 3 }): Promise<Readonly<Record<string, unknown>>> {
  if (finetune === undefined || init !== "checkpoint") return {};
  const normalization = await normalizationOf(finetune, from);
  return normalization ? { ...forChannels(normalization, inChans) } : {};
}
