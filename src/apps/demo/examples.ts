import type { Sample } from "../../data/dataset.ts";
import { DEFAULT_READING } from "../../data/pictures/reading.ts";
import { type Classification, classes } from "../../inference/outcomes/classes.ts";
import { readFiles } from "../../inference/read-files.ts";
import { Reconstructor, selectionCounts } from "../../inference/reconstructor.ts";
import type { ModelSession } from "../../inference/session.ts";
import type { PretrainedDescription } from "../../interop/model-file.ts";
import { patchCount } from "../../method/models/config.ts";
import type { AttentionExample, ReconstructionExample } from "../../results/report/index.ts";
import {
  contactSheet,
  enlarge,
  enlargeGrid,
  outlineMask,
  overlayMap,
  type RgbImage,
} from "../../results/visual/index.ts";
import { RandomStream } from "../../support/random.ts";
import type { Looking } from "./looking.ts";

/** An image of the test split that the report shows. */
interface Example {
  /** Index into the samples. */
  index: number;
  caption: string;
  image: RgbImage;
  /** uint8 [H, W, C], the network's input. */
  pixels: Uint8Array;
}

export const mapNames = { random: "random weights", supervised: "supervised pre-training" } as const;

/**
 * Reads the images to show: `perClass` of each class, drawn from the seed and not picked.
 *
 * @param result in the order of the samples.
 */
export async function readExamples(
  samples: readonly Sample[],
  { description }: ModelSession<PretrainedDescription>,
  result: Classification,
  perClass: number,
): Promise<Example[]> {
  const { config, classNames, seed } = description;
  const order = Array.from(RandomStream.for(seed, "evaluation").permutation(samples.length));
  const chosen = classNames.flatMap((_, label) => order.filter((i) => samples[i]?.label === label).slice(0, perClass));
  const pictures = chosen.map((index) => samples[index] as Sample);
  const examples: Example[] = [];
  for await (const { files, images } of readFiles(pictures, {
    config,
    batchSize: pictures.length,
    reading: DEFAULT_READING,
    pictureSide: config.inputWidth,
  })) {
    const size = config.inputHeight * config.inputWidth * config.inChans;
    for (const file of files) {
      if ("error" in file || !file.picture) continue;
      const index = chosen[file.index] as number;
      const caption = classes.caption(result, index, description);
      const pixels = images.subarray(file.slot * size, (file.slot + 1) * size);
      examples.push({ index, caption, image: file.picture, pixels });
    }
  }
  return examples;
}

/** Each image with the map of either encoder and the lesion's outline. */
export function attentionExamples(
  examples: readonly Example[],
  { random, supervised, lesions }: Looking,
): AttentionExample[] {
  return examples.flatMap(({ index, caption, image }) => {
    const [before, after, lesion] = [random[index], supervised[index], lesions[index]];
    if (!before || !after || !lesion) return [];
    const maps = [
      { name: mapNames.random, map: before },
      { name: mapNames.supervised, map: after },
    ];
    return { caption, image, maps, lesion };
  });
}

const ENLARGED = 2;

/** The same as one picture: images above, then the maps of either encoder over them. */
export function attentionPicture(examples: readonly AttentionExample[]): RgbImage {
  const rows = [undefined, 0, 1].map((which) =>
    examples.map(({ image, maps, lesion }) => {
      const large = enlarge(image, ENLARGED);
      const map = which === undefined ? undefined : maps[which]?.map;
      const shown = map ? overlayMap(large, map) : large;
      return lesion ? outlineMask(shown, enlargeGrid(lesion, ENLARGED)) : shown;
    }),
  );
  return contactSheet(rows.flat(), { columns: examples.length });
}

/** What the decoder makes of the patches that attention-driven masking hides. */
export async function reconstructionExamples(
  examples: readonly Example[],
  { supervised }: Looking,
  model: ModelSession<PretrainedDescription>,
  ratios: { maskRatio: number; throwRatio: number; randomMaskRatio: number },
): Promise<ReconstructionExample[]> {
  const { config, seed } = model.description;
  const masking = "attention";
  const counts = selectionCounts(patchCount(config), { ...ratios, masking });
  const batchSize = examples.length;
  const reconstructor = await Reconstructor.create(model, { counts, batchSize, masking, seed });
  const images = new Uint8Array(examples.reduce((sum, { pixels }) => sum + pixels.length, 0));
  const maps = new Float32Array(batchSize * patchCount(config));
  examples.forEach(({ index, pixels }, b) => {
    images.set(pixels, b * pixels.length);
    maps.set(supervised[index]?.data ?? [], b * patchCount(config));
  });
  const indices = Uint32Array.from(examples, ({ index }) => index);
  const results = await reconstructor.run(images, indices, maps);
  return results.map(({ original, mask, patchSize, reconstruction }, b) => {
    const caption = examples[b]?.caption.split(",")[0] ?? "";
    return { caption, original, mask, patchSize, reconstruction };
  });
}
