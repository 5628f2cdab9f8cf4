import type { EmbedOptions } from "../config/index.ts";
import type { Sample } from "../data/dataset.ts";
import { furtherColumns } from "../data/layouts/further-columns.ts";
import { SPLITS } from "../data/split-name.ts";
import { relativeName } from "../data/splits/split-table.ts";
import type { EncoderConfig } from "../method/models/config.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { assessModel } from "./assess-model.ts";
import { openEvaluationData } from "./evaluation-data.ts";
import { featureGatherer, featureTarget } from "./features.ts";
import { listPictures } from "./list-pictures.ts";
import type { Told } from "./run-images.ts";
import { sayOfFiles } from "./say-of-files.ts";
import { type ModelSession, readingOf } from "./session.ts";

/** Images with their features, and what is known of them. */
export interface EmbeddedImages {
  /** [n, width] row by row. */
  features: Float32Array;
  width: number;
  /** What is known of an image: `path` first. */
  columns: string[];
  /** [n][columns] */
  rows: string[][];
  /** Images that could not be read. */
  unreadable: number;
}

/**
 * The features of all splits of a data set, with the columns of its table.
 *
 * @throws MsmaeError Data when no image of a split can be read, or one cannot under `strict`; Device; the signal's reason.
 */
export async function featuresOfDataset(
  model: ModelSession,
  options: EmbedOptions & { dataPath: string },
  hooks: RunHooks,
): Promise<EmbeddedImages> {
  const { dataPath } = options;
  const asked = { ...options, split: "train" as const };
  const data = await openEvaluationData(asked, model.description, hooks, { oneClass: true, require: [] });
  const further = await furtherColumns(data, dataPath, options);
  const sliced = SPLITS.some((split) => data.splits[split].some(({ item }) => item !== undefined));
  const columns = ["path", ...(sliced ? ["slice"] : []), "split", "class", ...further.names];
  const width = widthOf(model);
  const parts: Float32Array[] = [];
  const rows: string[][] = [];
  let unreadable = 0;
  for (const split of SPLITS) {
    const samples = data.splits[split];
    if (samples.length === 0) continue;
    const outcome = { target: featureTarget, gather: () => featureGatherer(width) };
    const how = { ...options, split, name: `features of ${split}` };
    const { result, unreadable: left } = await assessModel(model, outcome, samples, how, hooks);
    parts.push(result.features);
    unreadable += left.length;
    for (const index of result.indices) {
      const sample = samples[index] as Sample;
      const slice = sliced ? [`${sample.item ?? ""}`] : [];
      const known = [split, data.classNames[sample.label] as string, ...further.of(sample)];
      rows.push([relativeName(data.root, sample.path), ...slice, ...known]);
    }
  }
  return { features: joined(parts), width, columns, rows, unreadable };
}

/**
 * The features of image files.
 *
 * @throws MsmaeError Data when none can be read; Device; the signal's reason.
 */
export async function featuresOfFiles(
  model: ModelSession,
  files: readonly string[],
  options: EmbedOptions,
  hooks: RunHooks,
): Promise<EmbeddedImages> {
  const reading = readingOf(model.description, options);
  const pictures = await listPictures(files, { slices: options.slices ?? "all", sliceAxis: reading.sliceAxis });
  const sliced = pictures.some(({ item }) => item !== undefined);
  const outcome = { line: ({ values }: Told) => ({ features: (values.features as Float32Array).slice() }) };
  const parts: Float32Array[] = [];
  const rows: string[][] = [];
  let unreadable = 0;
  for await (const said of sayOfFiles(model, outcome, pictures, { batchSize: options.batchSize, reading }, hooks)) {
    if ("error" in said) {
      hooks.onEvent?.({ type: "warning", message: said.error.message });
      unreadable++;
      continue;
    }
    parts.push(said.line.features);
    rows.push([said.file.path, ...(sliced ? [`${said.file.slice ?? ""}`] : [])]);
  }
  if (rows.length === 0) {
    const [expected, got] = ["at least one readable image", `none of ${pictures.length}`];
    throw new MsmaeError("Data", { where: "files", expected, got, todo: "check the files and their permissions" });
  }
  const columns = ["path", ...(sliced ? ["slice"] : [])];
  return { features: joined(parts), width: widthOf(model), columns, rows, unreadable };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const features = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    features.set(part, at);
    at += part.length;
  }
  return features;
}

function widthOf({ kind, description }: ModelSession): number {
  return (kind.encoder(description.config) as EncoderConfig).embedDim;
}
