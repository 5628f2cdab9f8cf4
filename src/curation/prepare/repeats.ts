import { createHash } from "node:crypto";
import { extname } from "node:path";
import { type Archive, checkSignal, DamagedEntry } from "../archives/archive.ts";
import { reasonOf, UNUSABLE } from "./odd-files.ts";
import type { LeftOut, Plan, PlannedImage, SurveyEntry } from "./types.ts";

/**
 * Finds images that the archives hold more than once, as nested copies or in two archives. The same bytes are taken
 * once; two different files that only share their name are both kept, the later under a name of its own. Where a row of
 * a table could mean any of them, all are left out.
 *
 * @returns the plan without repeats, its images sorted by id.
 * @throws MsmaeError Data when an archive cannot be read; Interrupted by the signal.
 */
export async function withoutRepeats(plan: Plan, archives: readonly Archive[], signal?: AbortSignal): Promise<Plan> {
  const byId = Map.groupBy(plan.images, ({ id }) => id);
  const repeated = [...byId.values()].filter((images) => images.length > 1);
  const { hashes, damaged } = await hashEntries(
    repeated.flatMap((images) => images.map(({ source }) => source)),
    archives,
    signal,
  );
  const images: PlannedImage[] = [];
  const leftOut: LeftOut[] = [...damaged.values()];
  for (const all of byId.values()) {
    const same = all.filter(({ source }) => !damaged.has(keyOf(source)));
    const [first, ...others] = same;
    if (first === undefined) continue;
    const kept = new Map([[hashes.get(keyOf(first.source)), first]]);
    for (const other of others) {
      const hash = hashes.get(keyOf(other.source));
      if (kept.has(hash)) leftOut.push({ name: other.source.name, reason: "the same file again" });
      else kept.set(hash, other);
    }
    if (plan.sameId === "two") images.push(...[...kept.values()].map((image, at) => renamed(image, at + 1)));
    else if (kept.size === 1) images.push(first);
    else leftOut.push(...[...kept.values()].map(({ source }) => ambiguous(source, archives, first.id)));
  }
  images.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return { ...plan, images, leftOut: [...plan.leftOut, ...leftOut] };
}

function keyOf({ archive, index }: SurveyEntry): string {
  return `${archive}/${index}`;
}

function renamed(image: PlannedImage, number: number): PlannedImage {
  if (number === 1) return image;
  const extension = extname(image.name);
  const name = `${image.name.slice(0, image.name.length - extension.length)}~${number}${extension}`;
  return { ...image, id: `${image.id}~${number}`, name };
}

function ambiguous({ archive, name }: SurveyEntry, archives: readonly Archive[], id: string): LeftOut {
  const kind = "one of several different files for one row: give only the archives of one edition";
  const reason = `one of several different files for ${id}: give only the archives of one edition`;
  return { name: `${archives[archive]?.name}: ${name}`, reason, kind, odd: true };
}

async function hashEntries(
  wanted: readonly SurveyEntry[],
  archives: readonly Archive[],
  signal: AbortSignal | undefined,
): Promise<{ hashes: Map<string, string>; damaged: Map<string, LeftOut> }> {
  const hashes = new Map<string, string>();
  const damaged = new Map<string, LeftOut>();
  for (const [at, archive] of archives.entries()) {
    const indices = new Set(wanted.filter((entry) => entry.archive === at).map(({ index }) => index));
    if (indices.size === 0) continue;
    let index = 0;
    for await (const { name, open } of archive.entries(signal)) {
      if (indices.has(index)) {
        const key = `${at}/${index}`;
        try {
          const hash = createHash("sha256");
          for await (const chunk of open()) hash.update(chunk);
          hashes.set(key, hash.digest("hex"));
        } catch (error) {
          if (!(error instanceof DamagedEntry)) throw error;
          damaged.set(key, { name, reason: reasonOf(error, name), kind: UNUSABLE, odd: true });
        }
      }
      index++;
    }
    checkSignal(signal, archive.path);
  }
  return { hashes, damaged };
}
