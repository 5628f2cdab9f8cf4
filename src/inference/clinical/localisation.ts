import type { Sample } from "../../data/dataset.ts";
import type { OriginalPixels } from "../../data/loader/sample-reader.ts";
import { shrunkSize } from "../../images/transforms/shrink.ts";
import { type EncoderConfig, gridOf } from "../../method/models/config.ts";
import type { LocalisationSummary } from "../../results/report/index.ts";
import { type Grid, type LocalisationFigure, localisation } from "../../results/visual/index.ts";
import type { RunHooks } from "../../support/events.ts";
import { type AssessOptions, assessModel } from "../assess-model.ts";
import { attentionGraph, mapsOfBatch } from "../attention.ts";
import { outlinedAt } from "../original-pictures.ts";
import type { Gathered, Gatherer } from "../outcomes/outcome.ts";
import { createWeights, type EngineOptions, type ModelSession, startEngine } from "../session.ts";

/** Longest side of masks, in pixels: maps are coarser by far, and every pixel is put in order. */
const MASK_SIDE = 224;

/** The maps of some images, and what is outlined in these. */
interface Looked extends Gathered {
  maps: (Grid & { data: Float32Array })[];
  /** Non-zero inside. */
  lesions: Grid[];
  groups: string[];
}

type LookingOptions = AssessOptions & EngineOptions;

/**
 * Whether a model's attention lies on what masks outline, beside the same network with random weights and beside the middle
 * of the image; undefined where no image has anything outlined, or the model has no attention to show.
 *
 * @throws MsmaeError as `assessModel` does.
 */
export async function whereItLooks(
  model: ModelSession,
  samples: readonly Sample[],
  options: LookingOptions,
  hooks: RunHooks,
): Promise<LocalisationSummary | undefined> {
  const { kind, description } = model;
  const own = await mapsOnLesions(model, samples, { ...options, name: "attention on lesions" }, hooks);
  if (!own) return undefined;
  const engine = await startEngine(createWeights(kind.specs(description.config), description.seed), options);
  try {
    const named = { ...options, name: "attention of random weights" };
    const random = await mapsOnLesions({ ...model, engine }, samples, named, hooks);
    const { maps, lesions, groups } = own;
    const found = localisation({ maps, masks: lesions, random: random?.maps, groups, seed: description.seed });
    const { insideShare, auc, pointing, ...summary } = found;
    return {
      ...summary,
      insideShare: withoutImages(insideShare),
      auc: withoutImages(auc),
      pointing: withoutImages(pointing),
    };
  } finally {
    await engine.close();
  }
}

/**
 * The attention maps of the images that have masks, beside these, with the samples that their indices count; undefined where
 * none has masks, or the model has no attention.
 *
 * @throws MsmaeError as `assessModel` does.
 */
export async function mapsOnLesions(
  model: ModelSession,
  samples: readonly Sample[],
  options: LookingOptions,
  hooks: RunHooks,
): Promise<(Looked & { samples: Sample[] }) | undefined> {
  const encoder = model.kind.encoder(model.description.config);
  const outlined = samples.filter(({ masks = [] }) => masks.length > 0);
  if (!encoder || outlined.length === 0) return undefined;
  const looking = { target: { kind: "mask" }, originals: true, gather: () => gathererOf(encoder) } as const;
  const forward = (batchSize: number) => ({ graph: attentionGraph(encoder, batchSize) });
  const { result } = await assessModel(model, looking, outlined, { ...options, forward }, hooks);
  return { ...result, samples: outlined };
}

function withoutImages({ perImage: _values, ...figure }: LocalisationFigure): Omit<LocalisationFigure, "perImage"> {
  return figure;
}

function gathererOf(encoder: EncoderConfig): Gatherer<Looked> {
  const maps: Looked["maps"] = [];
  const [lesions, groups, indices, paths]: [Grid[], string[], number[], string[]] = [[], [], [], []];
  return {
    add(batch, told) {
      for (const [b, { values }] of told.entries()) {
        const image = batch.originals[b] as OriginalPixels;
        lesions.push(outlinedAt(image, shrunkSize(image, MASK_SIDE)));
        maps.push({ ...gridOf(encoder), data: mapsOfBatch(values.attention as Float32Array, 1, encoder) });
      }
      groups.push(...batch.groups);
      indices.push(...batch.indices);
      paths.push(...batch.paths);
    },
    finish: () => ({ maps, lesions, groups, indices: Uint32Array.from(indices), paths }),
  };
}
