import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { writeFault, writeFileAtomic } from "../atomic-file.ts";
import { LESION_KINDS } from "../data/phantom-drawing.ts";
import { MsmaeError } from "../errors.ts";

const MARKER = "demo.json";
const MARK = "msmae demo";

const kinds = LESION_KINDS.join("|");
/** Paths that a demo writes, below its folder and with "/" between: nothing else is ever removed. */
const OWN_FILES = [
  new RegExp(`^images/(masks/)?(train|val|test)/(${kinds})/\\d{4}\\.png$`),
  /^(pretrain|finetune)\/(config\.yaml|env\.json|log\.txt|metrics\.json|split\.csv|README\.md|events\.out\.tfevents\..+|(best|last|checkpoint-\d+)(\.\d+\.state)?\.safetensors)$/,
  /^(report\.html|maps\.png|demo\.json)$/,
];

/** Where a demo writes what. */
export interface DemoFolder {
  /** The drawn data set. */
  images: string;
  pretrain: string;
  finetune: string;
  report: string;
  /** The report's attention maps as one picture. */
  picture: string;
  /** Writes the result of a finished demo. */
  finish(result: object): Promise<void>;
}

/**
 * Makes a folder ready for a demo: a new or empty one, or that of an earlier demo, whose own files are removed.
 *
 * @throws MsmaeError Data when the folder holds something else, or cannot be written.
 */
export async function claimFolder(folder: string): Promise<DemoFolder> {
  const files = await filesBelow(folder);
  if (files.length > 0) {
    if (!(await isDemo(folder))) throw foreign(folder, files);
    const own = files.filter((file) => OWN_FILES.some((pattern) => pattern.test(file)));
    const alien = files.filter((file) => file.startsWith("images/") && !own.includes(file));
    // It would be trained on.
    if (alien.length > 0) throw foreign(join(folder, "images"), alien);
    for (const file of own) if (file !== MARKER) await rm(join(folder, file));
  }
  const mark = (result: object) =>
    writeFileAtomic(join(folder, MARKER), `${JSON.stringify({ madeBy: MARK, ...result }, undefined, 2)}\n`);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw writeFault(folder, error);
  });
  // Before anything else, so that a demo that was stopped is known for what it is.
  await mark({ finished: false });
  const at = (name: string) => join(folder, name);
  return {
    images: at("images"),
    pretrain: at("pretrain"),
    finetune: at("finetune"),
    report: at("report.html"),
    picture: at("maps.png"),
    finish: (result) => mark({ finished: true, ...result }),
  };
}

/** Files of a folder and the folders in it, with "/" between; none where the folder does not exist. */
async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw writeFault(folder, error);
  }
}

async function isDemo(folder: string): Promise<boolean> {
  try {
    const marker: unknown = JSON.parse(await readFile(join(folder, MARKER), "utf8"));
    return typeof marker === "object" && marker !== null && "madeBy" in marker && marker.madeBy === MARK;
  } catch {
    return false;
  }
}

function foreign(where: string, files: readonly string[]): MsmaeError {
  const named = files.slice(0, 3).join(", ");
  return new MsmaeError("Data", {
    where,
    expected: "a new or empty folder, or one that an earlier demo made",
    got: files.length > 3 ? `${files.length} other files (${named}, …)` : `other files (${named})`,
    todo: "choose another --output-dir, or move these files away",
  });
}
