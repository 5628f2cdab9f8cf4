import { basename, join } from "node:path";
import { isPairHeader, isPairVoxels, otherNames } from "../../formats/nifti/pair.ts";
import { MsmaeError } from "../../support/errors.ts";
import { SPLITS, type Split, splitNamed } from "../split-name.ts";
import { imageByName } from "./image-names.ts";
import { isJunkFolder } from "./junk.ts";
import { entriesOf, kindOf, type WalkedEntry, walk } from "./walk.ts";

/** Files below a folder. */
export interface FoundFiles {
  /** Sorted by code units within each folder. */
  paths: string[];
  /** Those of `paths` whose names do not say that they are images. */
  unknown: string[];
  ignored: number;
}

/** Image files below a folder at any depth, through links, hidden files and what systems leave behind left out. */
export async function imagesBelow(folder: string): Promise<FoundFiles> {
  const found: FoundFiles = { paths: [], unknown: [], ignored: 0 };
  const onEntry = ({ path, name, kind }: WalkedEntry): void => {
    const named = imageByName(basename(name));
    // What bears an image's name and is none gets its error when it is read.
    if (named === "image") found.paths.push(path);
    else if (named === "unknown" && kind === "file") {
      found.paths.push(path);
      found.unknown.push(path);
    } else found.ignored++;
  };
  await walk(folder, { passOver: isLeftAlone, onEntry });
  // The header of a pair belongs to its voxels: together they are one image.
  const voxels = new Set(found.unknown.filter(isPairVoxels));
  const isOwnFile = (path: string) => !isPairHeader(path) || !otherNames(path).some((name) => voxels.has(name));
  return { ...found, paths: found.paths.filter(isOwnFile), unknown: found.unknown.filter(isOwnFile) };
}

/** Names of the folders inside a folder, links to folders included, sorted by code units. */
export async function subfolders(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await entriesOf(folder)) {
    const { name } = entry;
    if (!isLeftAlone(name) && (await kindOf(entry, join(folder, name))) === "folder") names.push(name);
  }
  return names;
}

/**
 * The folders of splits inside a folder, by the names that published data sets give them, in any case.
 *
 * @throws MsmaeError Data where two folders are of one split.
 */
export async function splitFolders(root: string): Promise<Map<Split, string>> {
  const found = new Map<Split, string>();
  for (const name of await subfolders(root)) {
    const split = splitNamed(name);
    if (split === undefined) continue;
    const other = found.get(split);
    if (other !== undefined) {
      const parts = { where: root, expected: `one folder of split ${split}`, got: `${other} and ${name}` };
      throw new MsmaeError("Data", { ...parts, todo: "join them, or move one elsewhere" });
    }
    found.set(split, name);
  }
  return new Map(SPLITS.flatMap((split) => (found.has(split) ? [[split, found.get(split) as string]] : [])));
}

function isLeftAlone(name: string): boolean {
  return name.startsWith(".") || isJunkFolder(name);
}
