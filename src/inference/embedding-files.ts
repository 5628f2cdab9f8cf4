import { basename } from "node:path";
import type { EmbedOptions } from "../config/index.ts";
import { csvLine } from "../data/tables/csv.ts";
import { encodeParquet } from "../data/tables/parquet.ts";
import { encodeNpy } from "../formats/npy.ts";
import type { ModelDescription } from "../interop/model-file.ts";
import { renderReport } from "../results/report/index.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { namedFiles, type OutputFolder, type ResultKind } from "../support/files/output-folder.ts";
import type { EmbeddedImages } from "./embedded-images.ts";

export const embeddingFiles: ResultKind = {
  name: "features",
  earlier: namedFiles(/^(features\.(npy|csv|parquet)|embedding\.html)$/),
};

/** What is written of embedded images. */
interface EmbeddingRecord {
  images: EmbeddedImages;
  /** Columns by which pictures are coloured. */
  colours: readonly string[];
  /** [n] in the plane. */
  places: readonly [number, number][] | undefined;
  options: EmbedOptions;
  description: ModelDescription;
}

/**
 * Writes the features and the pictures, which take their place together.
 *
 * @throws MsmaeError Data when they cannot be written.
 */
export async function writeEmbedding(
  folder: OutputFolder,
  record: EmbeddingRecord,
): Promise<{ features: string; picture: string | null }> {
  const features = await writeFeatures(folder, record);
  const picture = record.places ? folder.at("embedding.html") : null;
  if (picture) await writeFileAtomic(picture, await page(record, record.places ?? []));
  await folder.publish();
  return { features: folder.at(features), picture: picture && folder.at("embedding.html") };
}

/** @returns the file's name. */
async function writeFeatures(folder: OutputFolder, { images, places, options }: EmbeddingRecord): Promise<string> {
  const { features, width, rows } = images;
  const columns = [...images.columns, ...(places ? ["umap_x", "umap_y"] : [])];
  const known = rows.map((row, i) => [...row, ...(places?.[i] ?? []).map(String)]);
  const valuesOf = (i: number) => features.subarray(i * width, (i + 1) * width);
  const titles = Array.from({ length: width }, (_, d) => `f${d}`);
  const name = `features.${options.format}`;
  switch (options.format) {
    case "npy": {
      await writeFileAtomic(folder.at(name), encodeNpy(features, [rows.length, width]));
      await writeFileAtomic(folder.at("features.csv"), [columns, ...known].map(csvLine).join(""));
      return name;
    }
    case "csv": {
      const lines = known.map((row, i) => csvLine([...row, ...Array.from(valuesOf(i), String)]));
      await writeFileAtomic(folder.at(name), [csvLine([...columns, ...titles]), ...lines].join(""));
      return name;
    }
    case "parquet": {
      const text = columns.map((title, c) => ({
        name: title,
        type: "text" as const,
        values: known.map((row) => row[c] as string),
      }));
      const numbers = titles.map((title, d) => ({
        name: title,
        type: "float32" as const,
        values: Float32Array.from(rows, (_, i) => features[i * width + d] as number),
      }));
      await writeFileAtomic(folder.at(name), await encodeParquet([...text, ...numbers]));
      return name;
    }
  }
}

function page({ images, colours, options, description }: EmbeddingRecord, places: readonly [number, number][]) {
  const { columns, rows, width } = images;
  const colourings = colours.map((name) => ({
    name,
    values: rows.map((row) => row[columns.indexOf(name)] as string),
  }));
  const { config, model, msmaeVersion } = description;
  return renderReport({
    title: `What ${model} takes for alike`,
    lead: `${rows.length} images by ${width} features each, drawn in the plane (UMAP).`,
    summary: [
      { label: "Checkpoint", value: basename(options.checkpoint) },
      { label: "Features", value: options.features === "cls" ? "cls token" : "mean of the patch tokens" },
      { label: "Input", value: `${config.inputHeight} × ${config.inputWidth}, ${config.inChans} channels` },
    ],
    embedding: { places, colourings },
    provenance: { seed: options.seed, environment: [{ label: "msmae", value: msmaeVersion }] },
  });
}
