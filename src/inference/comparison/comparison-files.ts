import { basename, resolve } from "node:path";
import type { CompareOptions } from "../../config/index.ts";
import type { Sample } from "../../data/dataset.ts";
import { relativeName } from "../../data/splits/split-table.ts";
import { csvLine } from "../../data/tables/csv.ts";
import { type ComparisonSection, renderReport } from "../../results/report/index.ts";
import { writeFileAtomic } from "../../support/files/atomic-file.ts";
import type { OutputFolder } from "../../support/files/output-folder.ts";
import { packageVersion } from "../../support/version.ts";
import type { CommonAnswers } from "./answers.ts";
import type { Compared } from "./comparer.ts";
import type { SameImages } from "./same-images.ts";

/** All that is to be known of a comparison to write it. */
export interface ComparisonRecord extends CommonAnswers {
  compared: Compared;
  /** What is told beside the file. */
  told: { models: object[] };
  section: ComparisonSection;
  images: SameImages;
  options: CompareOptions;
}

/**
 * Writes metrics.json, predictions.csv and report.html into a folder, where they take their place together.
 *
 * @throws MsmaeError Data when they cannot be written.
 */
export async function writeComparison(
  folder: OutputFolder,
  record: ComparisonRecord,
): Promise<{ metricsPath: string; reportPath: string }> {
  const { compared, told, unreadable, images, options } = record;
  const samples = images.samples[0] as Sample[];
  const nameOf = (at: number): string => relativeName(images.root, (samples[at] as Sample).path);
  const contents = {
    ...told,
    models: told.models.map((model, k) => ({ ...model, ...compared.models[k]?.metrics })),
    ...compared.tests,
    data: basename(resolve(options.dataPath)),
    unreadable: unreadable.map(nameOf),
  };
  await writeFileAtomic(folder.at("metrics.json"), `${JSON.stringify(contents, undefined, 2)}\n`);
  await writeFileAtomic(folder.at("predictions.csv"), predictionsCsv(record, nameOf));
  await writeFileAtomic(folder.at("report.html"), await report(record));
  await folder.publish();
  return { metricsPath: folder.at("metrics.json"), reportPath: folder.at("report.html") };
}

/** Path, truth, and what each model said, a line per image. */
function predictionsCsv(
  { compared: { table }, images, cases }: ComparisonRecord,
  nameOf: (at: number) => string,
): string {
  const samples = images.samples[0] as Sample[];
  const sliced = cases.some((at) => samples[at]?.item !== undefined);
  const lines = [[...(sliced ? ["path", "slice"] : ["path"]), ...table.columns]];
  for (const [i, at] of cases.entries()) {
    const place = sliced ? [nameOf(at), `${samples[at]?.item ?? ""}`] : [nameOf(at)];
    lines.push([...place, ...(table.rows[i] as string[])]);
  }
  return lines.map(csvLine).join("");
}

function report({ section, answers, unreadable, options }: ComparisonRecord): Promise<string> {
  const { split, dataPath, seed } = options;
  const models = answers.map(({ name, path, description: { model, step } }) => ({
    label: name,
    value: `${basename(path)}: ${model}, trained for ${step} steps`,
  }));
  return renderReport({
    title: `Comparison of ${section.models.join(", ")}`,
    lead: `${section.n} images of split "${split}", the same for every model.`,
    summary: [
      ...models,
      { label: "Data", value: basename(resolve(dataPath)) },
      { label: "Images that not every model could read", value: String(unreadable.length) },
    ],
    comparison: section,
    provenance: { seed, environment: [{ label: "msmae", value: packageVersion }] },
  });
}
