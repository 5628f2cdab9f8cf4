import type { CompareOptions } from "../../config/index.ts";
import type { Sample } from "../../data/dataset.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { RunHooks } from "../../support/events.ts";
import { assessModel } from "../assess-model.ts";
import type { Gathered } from "../outcomes/outcome.ts";
import { kindsWithOutcome } from "../outcomes/registry.ts";
import { openModel } from "../session.ts";
import type { Answered, ComparedModel } from "./compared-model.ts";
import type { SameImages } from "./same-images.ts";

/** What all models said of the images that each of them could read. */
export interface CommonAnswers {
  answers: Answered[];
  /** [cases] the images, in the order of the split. */
  cases: number[];
  /** The images that one of them could not read, which count nowhere. */
  unreadable: number[];
}

/**
 * Opens and runs the models one after the other.
 *
 * @throws MsmaeError as `openModel` and `assessModel`; Data where no image is readable for all.
 */
export async function answersOf(
  models: readonly ComparedModel[],
  { samples }: SameImages,
  options: CompareOptions,
  hooks: RunHooks,
): Promise<CommonAnswers> {
  const results: Gathered[] = [];
  for (const [k, model] of models.entries()) {
    results.push(await run(model, samples[k] as Sample[], options, hooks));
  }
  const places = results.map(({ indices }) => new Map(Array.from(indices, (index, at) => [index, at])));
  const images = [...(samples[0] as Sample[]).keys()];
  const isCommon = (image: number): boolean => places.every((own) => own.has(image));
  const cases = images.filter(isCommon);
  const unreadable = images.filter((image) => !isCommon(image));
  if (cases.length === 0) {
    const [expected, got] = ["images that every model can read", `none of ${images.length}`];
    throw new MsmaeError("Data", { where: options.dataPath, expected, got, todo: "look at the warnings above" });
  }
  const some = unreadable.filter((image) => places.some((own) => own.has(image))).length;
  if (some > 0) {
    const message = `${some} images could be read for some of the models only; they count for none`;
    hooks.onEvent?.({ type: "warning", message });
  }
  const answers = models.map((model, k) => ({
    ...model,
    result: results[k] as Gathered,
    at: cases.map((image) => places[k]?.get(image) as number),
  }));
  return { answers, cases, unreadable };
}

async function run(
  { name, path, outcome }: ComparedModel,
  samples: readonly Sample[],
  options: CompareOptions,
  hooks: RunHooks,
): Promise<Gathered> {
  const session = await openModel(path, kindsWithOutcome(), options, hooks);
  try {
    const reading = { ...options, name: `evaluation of ${name}` };
    return (await assessModel(session, outcome, samples, reading, hooks)).result;
  } finally {
    await session.close();
  }
}
