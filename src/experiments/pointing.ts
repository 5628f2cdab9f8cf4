import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Sample } from "../data/dataset.ts";
import { relativeName } from "../data/splits/split-table.ts";
import { csvLine } from "../data/tables/csv.ts";
import { mapsOnLesions } from "../inference/clinical/localisation.ts";
import { openModel } from "../inference/session.ts";
import { pointingGame } from "../results/visual/index.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import type { Experiment } from "./experiment.ts";
import { testImages } from "./looking.ts";

/** An arm's classifier of a seed, and the table to write. */
export interface PointedAt {
  seed: number;
  checkpoint: string;
  to: string;
}

/**
 * Writes a table of the pointing game on each test image: path, slice, and the share of the map's peak that lies in the lesion, empty
 * where there is none. Without masks, or attention, it has no lines.
 *
 * @throws MsmaeError as evaluation does.
 */
export async function pointAtLesions(
  experiment: Experiment,
  { seed, checkpoint, to }: PointedAt,
  hooks: RunHooks,
): Promise<void> {
  const { looking, test, root } = await testImages(experiment, seed, checkpoint, hooks);
  const model = await openModel(checkpoint, undefined, looking, hooks);
  const lines = [["path", "slice", "pointing"]];
  try {
    const looked = await mapsOnLesions(model, test, { ...looking, name: "attention on lesions" }, hooks);
    if (looked) {
      const { maps, lesions, indices, samples } = looked;
      const { scores } = pointingGame(maps, lesions);
      for (const [at, score] of scores.entries()) {
        const { path, item } = samples[indices[at] as number] as Sample;
        lines.push([relativeName(root, path), `${item ?? ""}`, `${score ?? ""}`]);
      }
    }
  } finally {
    await model.close();
  }
  await mkdir(dirname(to), { recursive: true });
  await writeFileAtomic(to, lines.map(csvLine).join(""));
}
