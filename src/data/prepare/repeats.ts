import { createHash } from "node:crypto";
import { extname } from "node:path";
import { MsmaeError } from "../../errors.ts";
import { type Archive, checkSignal } from "../archives/archive.ts";
import type { LeftOut, Plan, PlannedImage, SurveyEntry } from "./types.ts";

/**
 * Finds images that the archives hold more than once, as nested copies or in two archives. The same bytes are taken
 * once; two different files that only share their name are both kept, the later under a name of its own.
 *
 * @returns the plan without repeats, its images sorted by id.
 * @throws MsmaeError Data when a row of a table could mean two different files; Interrupted by the signal.
 */
export async function withoutRepeats(plan: Plan, archives: readonly Archive[], signal?: AbortSignal): Promise<Plan> {
  const byId = Map.groupBy(plan.images, ({ id }) => id);
  const repeated = [...byId.values()].filter((images) => images.length > 1);
  const hashes = await hashEntries(
    repeated.flatMap((images) => images.map(({ source }) => source)),
    archives,
    signal,
  );
  const images: PlannedImage[] = [];
  const leftOut: LeftOut[] = [];
  for (const same of byId.values()) {
    const [first, ...others] = same as [PlannedImage, ...PlannedImage[]];
    const kept = new Map([[hashes.get(keyOf(first.source)), first]]);
    images.push(first);
    for (const other of others) {
      const hash = hashes.get(keyOf(other.source));
      const twin = kept.get(hash);
      if (twin) {
        leftOut.push({ name: other.source.name, reason: "the same file again" });
        continue;
      }
      if (plan.sameId === "ambiguous") throw ambiguous(first, other, archives);
      kept.set(hash, other);
      images.push(renamed(other, kept.size));
    }
  }
  images.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return { ...plan, images, leftOut: [...plan.leftOut, ...leftOut] };
}

function keyOf({ archive, index }: SurveyEntry): string {
  return `${archive}/${index}`;
}

function renamed(image: PlannedImage, number: number): PlannedImage {
  const extension = extname(image.name);
  const name = `${image.name.slice(0, image.name.length - extension.length)}~${number}${extension}`;
  return { ...image, id: `${image.id}~${number}`, name };
}

function ambiguous(first: PlannedImage, second: PlannedImage, archives: readonly Archive[]): MsmaeError {
  const place = ({ source }: PlannedImage) => `${archives[source.archive]?.name}: ${source.name}`;
  return new MsmaeError("Data", {
    where: `image ${first.id}`,
    expected: "one file",
    got: `two different ones (${place(first)} and ${place(second)})`,
    todo: "give only the archives of one edition of the data set",
  });
}

async function hashEntries(
  wanted: readonly SurveyEntry[],
  archives: readonly Archive[],
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const [at, archive] of archives.entries()) {
    const indices = new Set(wanted.filter((entry) => entry.archive === at).map(({ index }) => index));
    if (indices.size === 0) continue;
    let index = 0;
    for await (const { open } of archive.entries(signal)) {
      if (indices.has(index)) {
        const hash = createHash("sha256");
        for await (const chunk of open()) hash.update(chunk);
        hashes.set(`${at}/${index}`, hash.digest("hex"));
      }
      index++;
    }
    checkSignal(signal, archive.path);
  }
  return hashes;
}
