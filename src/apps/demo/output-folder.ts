import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { LESION_KINDS } from "../../experiments/phantom/draw-phantom.ts";
import type { RunHooks } from "../../support/events.ts";
import { writeFileAtomic } from "../../support/files/atomic-file.ts";
import { filesBelow, OutputFolder, refuseForeign } from "../../support/files/output-folder.ts";
import { RUN_FILES } from "../../training/run-directory.ts";

const MARKER = "demo.json";
const MARK = "msmae demo";

const kinds = LESION_KINDS.join("|");
/** Paths that a demo writes, below its folder and with "/" between: nothing else is ever removed. */
const OWN_FILES = [
  new RegExp(`^images/(masks/)?(train|val|test)/(${kinds})/\\d{4}\\.png$`),
  new RegExp(`^(pretrain|finetune|segment)/(${RUN_FILES})$`),
  /^(images\/masks\.csv|report\.html|maps\.png|demo\.json)$/,
];

/** Where a demo writes what. To be disposed of. */
export interface DemoFolder extends AsyncDisposable {
  /** The drawn data set. */
  images: string;
  pretrain: string;
  finetune: string;
  segment: string;
  report: string;
  /** The report's attention maps as one picture. */
  picture: string;
  /** Writes the result of a finished demo. */
  finish(result: object): Promise<void>;
}

/**
 * Makes a folder ready for a demo: a new or empty one, or that of an earlier demo, whose own files are removed at once,
 * since the next demo makes them again.
 *
 * @throws MsmaeError Data when the folder holds something else, is in use, or cannot be written.
 */
export async function claimFolder(path: string, { onEvent }: RunHooks = {}): Promise<DemoFolder> {
  const earlier = async (folder: string) =>
    (await isDemo(folder)) ? (await filesBelow(folder, true)).filter((file) => !isForeign(file)) : [];
  const kind = { name: "what an earlier demo made", earlier };
  const folder = await OutputFolder.claim(path, { verb: "demo", kind, continues: true, onEvent });
  try {
    if (!(await isDemo(path))) await refuseForeign(path, kind);
    const images = join(path, "images");
    // A foreign image would be trained on.
    const ownImages = async () => (await filesBelow(images, true)).filter((file) => !isForeign(`images/${file}`));
    await refuseForeign(images, { ...kind, earlier: ownImages });
    for (const file of await earlier(path)) if (file !== MARKER) await rm(join(path, file));
    const mark = (result: object) =>
      writeFileAtomic(folder.at(MARKER), `${JSON.stringify({ madeBy: MARK, ...result }, undefined, 2)}\n`);
    // Before anything else, so that a demo that was stopped is known for what it is.
    await mark({ finished: false });
    return {
      images,
      pretrain: folder.at("pretrain"),
      finetune: folder.at("finetune"),
      segment: folder.at("segment"),
      report: folder.at("report.html"),
      picture: folder.at("maps.png"),
      finish: (result) => mark({ finished: true, ...result }),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whether a file stands in a demo's folder that no demo writes. */
function isForeign(file: string): boolean {
  return !OWN_FILES.some((pattern) => pattern.test(file));
}

async function isDemo(folder: string): Promise<boolean> {
  try {
    const marker: unknown = JSON.parse(await readFile(join(folder, MARKER), "utf8"));
    return typeof marker === "object" && marker !== null && "madeBy" in marker && marker.madeBy === MARK;
  } catch {
    return false;
  }
}
