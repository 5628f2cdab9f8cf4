import { type AnyVerb, chosenRecipe, type OptionsOf, valueColumnsOf } from "../config/index.ts";
import { openDataset } from "../data/dataset.ts";
import { type CheckpointHead, forChannels, normalizationOf, readHead } from "../interop/checkpoint.ts";
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
  const taken = await takenFromStart(request, verb.models ?? [], onEvent);
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

/** What a run takes over from the checkpoint that it starts from. */
async function takenFromStart(
  request: Request,
  models: readonly string[],
  onEvent: RunHooks["onEvent"],
): Promise<Readonly<Record<string, unknown>>> {
  const { init, finetune, from, inChans } = request;
  if (finetune === undefined || init !== "checkpoint") return {};
  const head = await readHead(finetune, from);
  const sizes = sizesAtStart(head, request, models, onEvent);
  const normalization = normalizationOf(head);
  return { ...sizes, ...(normalization && forChannels(normalization, inChans ?? sizes?.inChans ?? 3)) };
}

/** The model and the images of the checkpoint to start from, where no model is named. */
function sizesAtStart(
  head: CheckpointHead,
  { model, inputSize }: Request,
  models: readonly string[],
  onEvent: RunHooks["onEvent"],
): StartSizes | undefined {
  if (model !== undefined) return undefined;
  const sizes = startSizes(head, models, inputSize);
  if (sizes) onEvent?.({ type: "note", message: `${sizes.model}, as in ${head.path}; --model names another` });
  return sizes;
}
