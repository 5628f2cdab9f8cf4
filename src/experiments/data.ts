import { join } from "node:path";
import { checkData } from "../curation/check/check-data.ts";
import { prepareData } from "../curation/prepare/index.ts";
import { csvLine } from "../data/tables/csv.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import type { Experiment } from "./experiment.ts";
import { makePhantoms } from "./phantom/make-phantoms.ts";
import type { PhantomPlan } from "./plan.ts";

type DataOf = Pick<Experiment, "plan" | "root" | "archives">;

/** Where the data of a seed stands once {@link makeData} has made it. */
export function dataPathOf({ plan: { data }, root }: DataOf, seed: number): string {
  if ("path" in data) return data.path;
  const folder = join(root, "data", "phantom" in data ? String(seed) : "0");
  if ("phantom" in data) return join(folder, "images", "classes.csv");
  return data.clean ? join(folder, "clean.csv") : join(folder, "images");
}

/**
 * Makes the data of a seed: draws phantoms, or prepares official downloads and, where the plan says so, leaves out what
 * stands in two splits.
 *
 * @throws MsmaeError Config where downloads are missing; Data when data cannot be made; Interrupted by the signal.
 */
export async function makeData(experiment: DataOf, seed: number, hooks: RunHooks): Promise<void> {
  const { plan, root, archives } = experiment;
  const { data } = plan;
  const folder = join(root, "data", String(seed));
  const images = join(folder, "images");
  if ("phantom" in data) return drawPhantoms(images, data.phantom, seed, hooks);
  if (!("preset" in data)) return;
  const { preset } = data;
  if (archives.length === 0) {
    throw new MsmaeError("Config", {
      where: "archives",
      expected: `the official downloads of ${preset}`,
      got: "none",
      todo: `name them with --archives; msmae data prepare ${preset} --help says which they are`,
    });
  }
  await prepareData({ preset, archives, outputDir: images }, hooks);
  if (data.clean) await checkData({ dataPath: images, fix: join(folder, "clean.csv"), overwrite: true }, hooks);
}

async function drawPhantoms(outputDir: string, plan: PhantomPlan, seed: number, hooks: RunHooks): Promise<void> {
  const { train, val, test, size, classes, ...style } = plan;
  const { signal, onEvent } = hooks;
  let announced = false;
  const set = await makePhantoms({
    ...{ outputDir, seed, size, classes, style, imagesPerClass: { train, val, test } },
    onProgress(done, total) {
      if (!announced) onEvent?.({ type: "phase", name: "images", total });
      announced = true;
      onEvent?.({ type: "phase-progress", done });
    },
    ...(signal && { signal }),
  });
  const rows = set.images.map(({ path, kind, split, mask }) => [path, kind, split, mask]);
  await writeFileAtomic(
    join(outputDir, "classes.csv"),
    [["path", "label", "split", "mask"], ...rows].map(csvLine).join(""),
  );
}
