import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { SliceAxis } from "../../formats/source-image.ts";
import { writeFileAtomic } from "../../support/files/atomic-file.ts";
import { readStart } from "../../support/files/regular-file.ts";
import { inParallel } from "../../support/in-parallel.ts";
import { packageVersion } from "../../support/version.ts";
import { type FileFacts, factsOf } from "./file-facts.ts";
import { type LabelAreas, labelAreasOf, type MaskSource } from "./label-areas.ts";
import { gridOf } from "./mask-file.ts";

/** Raised whenever the facts of a file, or how they are written, change their meaning. */
const VERSION = 3;
// Another release may read files that this one cannot.
const MAGIC = `msmae-index ${VERSION} of ${packageVersion}\n`;
const DIGEST_BYTES = 32;
const HASHED_BYTES = 65_536;
const UNREAD: FileFacts = { counts: [1, 1, 1], patient: "" };

interface Entry {
  size: number;
  mtimeMs: number;
  /** SHA-256 of the first 64 KiB, the first 16 bytes as hex. */
  head: string | undefined;
  facts: FileFacts | undefined;
  areas: Record<string, LabelAreas> | undefined;
  /** Size and time have been compared with the file's in this process. */
  current: boolean;
}

/**
 * What is known of the files of a data set, kept in the user's cache folder from run to run: files whose size or
 * modification time has changed are looked at again. Without a cache folder, or with a damaged one, everything is looked
 * at anew, with the same results.
 */
export class FileIndex {
  readonly #root: string;
  readonly #file: string | undefined;
  readonly #entries: Map<string, Entry>;
  #changed = false;

  private constructor(root: string, file: string | undefined, entries: Map<string, Entry>) {
    this.#root = root;
    this.#file = file;
    this.#entries = entries;
  }

  /**
   * @param dataPath the data set, by which its index is found again.
   * @param cacheDir where indices are kept; without it {@link defaultCacheDir}.
   */
  static async open(dataPath: string, cacheDir = defaultCacheDir()): Promise<FileIndex> {
    const root = resolve(dataPath);
    const file = cacheDir === undefined ? undefined : join(cacheDir, "index", `${sha256(root).slice(0, 32)}.idx`);
    return new FileIndex(root, file, file === undefined ? new Map() : await load(file, root));
  }

  /** Whether there is a file of that path. */
  has(path: string): boolean {
    return this.#entry(path) !== undefined;
  }

  /** Those of some files that hold no image. */
  async noImages(paths: readonly string[]): Promise<Set<string>> {
    const none = new Set<string>();
    await inParallel(paths, async (path) => {
      if ((await this.facts(path)).counts[0] === 0) none.add(path);
    });
    return none;
  }

  /** How many pictures a file holds and whose they are; of a file that cannot be read, one picture of nobody. */
  async facts(path: string): Promise<FileFacts> {
    const entry = this.#entry(path);
    if (entry?.facts) return entry.facts;
    try {
      const facts = await factsOf(path);
      if (entry) {
        entry.facts = facts;
        this.#changed = true;
      }
      return facts;
    } catch {
      // Not kept: what hinders the reading now may be gone the next time.
      return UNREAD;
    }
  }

  /**
   * Labelled pixels of each slice that an image has, by its mask file.
   * @throws MsmaeError Data when the mask cannot be read, is no mask, or lies elsewhere than its image.
   */
  async labelAreas(mask: MaskSource, axis: SliceAxis, image: string): Promise<LabelAreas> {
    const entry = this.#entry(mask.path);
    const grid = await gridOf(image);
    const how = `${mask.kind} ${axis}`;
    const key = grid ? `${how} ${JSON.stringify(grid)}` : how;
    const known = entry?.areas?.[key];
    if (known) return known;
    const areas = await labelAreasOf(mask, axis, grid);
    if (entry) {
      entry.areas = { ...entry.areas, [key]: areas };
      this.#changed = true;
    }
    return areas;
  }

  /** Sizes in bytes of files and hashes of their first 64 KiB, as hex; undefined for those that cannot be read. */
  async heads(paths: readonly string[]): Promise<({ size: number; head: string } | undefined)[]> {
    const heads = new Array<{ size: number; head: string } | undefined>(paths.length);
    const unread: [number, Entry][] = [];
    for (const [at, path] of paths.entries()) {
      const entry = this.#entry(path);
      if (entry?.head !== undefined) heads[at] = { size: entry.size, head: entry.head };
      else if (entry) unread.push([at, entry]);
    }
    await inParallel(unread, async ([at, entry]) => {
      const head = entry.head ?? (await headHash(paths[at] as string));
      if (head === undefined) return;
      entry.head = head;
      heads[at] = { size: entry.size, head };
      this.#changed = true;
    });
    return heads;
  }

  /** Writes what is new to the cache folder, if there is one that can be written to. */
  async save(): Promise<void> {
    if (!this.#changed || this.#file === undefined) return;
    this.#changed = false;
    for (const path of this.#entries.keys()) this.#entry(path);
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      await writeFileAtomic(this.#file, pack(this.#root, this.#entries));
    } catch {
      // A cache that cannot be kept costs the next start some time and nothing else.
    }
  }

  /** The entry of a file as it now is, or undefined where there is no such file. */
  #entry(given: string): Entry | undefined {
    const path = isAbsolute(given) ? given : resolve(given);
    const known = this.#entries.get(path);
    if (known?.current) return known;
    const found = statOf(path);
    if (!found) {
      this.#entries.delete(path);
      return;
    }
    if (known?.size === found.size && known.mtimeMs === found.mtimeMs) {
      known.current = true;
      return known;
    }
    const { size, mtimeMs } = found;
    const entry: Entry = { size, mtimeMs, head: undefined, facts: undefined, areas: undefined, current: true };
    this.#entries.set(path, entry);
    return entry;
  }
}

/** `MSMAE_CACHE_DIR`, or `msmae` in the user's cache folder; undefined where the system names no home. */
export function defaultCacheDir(): string | undefined {
  const { MSMAE_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  if (MSMAE_CACHE_DIR) return resolve(MSMAE_CACHE_DIR);
  // Relative ones are to be passed over, says the specification of base directories: they would litter every folder.
  if (XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME)) return join(XDG_CACHE_HOME, "msmae");
  const home = homedir();
  return isAbsolute(home) ? join(home, ".cache", "msmae") : undefined;
}

// The call that waits: for files of a local disk it is several times as fast as the one that does not.
function statOf(path: string): { size: number; mtimeMs: number } | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isFile() ? found : undefined;
  } catch {
    return;
  }
}

async function headHash(path: string): Promise<string | undefined> {
  try {
    return sha256(await readStart(path, HASHED_BYTES)).slice(0, 32);
  } catch {
    return;
  }
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Entries as columns: a hundred thousand objects take ten times as long to read. */
interface Columns {
  /** Joined by NUL, relative to the data set where they lie inside. */
  names: string;
  sizes: Float64Array;
  times: Float64Array;
  /** Joined by NUL, as are the patients. */
  heads: string;
  /** Three for each file; {@link UNKNOWN} where nobody has looked. */
  counts: Uint32Array;
  patients: string;
  areas: Map<number, Entry["areas"]>;
}

const UNKNOWN = 0xffff_ffff;

function pack(root: string, entries: ReadonlyMap<string, Entry>): Uint8Array[] {
  const inside = root + sep;
  const count = entries.size;
  const columns: Columns = {
    names: [...entries.keys()].map((path) => (path.startsWith(inside) ? path.slice(inside.length) : path)).join("\0"),
    sizes: Float64Array.from(entries.values(), ({ size }) => size),
    times: Float64Array.from(entries.values(), ({ mtimeMs }) => mtimeMs),
    heads: Array.from(entries.values(), ({ head }) => head ?? "").join("\0"),
    counts: new Uint32Array(3 * count),
    patients: Array.from(entries.values(), ({ facts }) => facts?.patient ?? "").join("\0"),
    areas: new Map(),
  };
  let at = 0;
  for (const { facts, areas } of entries.values()) {
    columns.counts.set(facts?.counts ?? [UNKNOWN, UNKNOWN, UNKNOWN], 3 * at);
    if (areas) columns.areas.set(at, areas);
    at++;
  }
  const body = serialize(columns);
  return [Buffer.from(MAGIC), createHash("sha256").update(body).digest(), body];
}

/** The entries of a file that {@link pack} wrote; none where there is no such file, or another version or damage. */
async function load(file: string, root: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  const inside = root + sep;
  try {
    const bytes = await readFile(file);
    const body = bytes.subarray(MAGIC.length + DIGEST_BYTES);
    const digest = bytes.subarray(MAGIC.length, MAGIC.length + DIGEST_BYTES);
    if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return entries;
    if (!createHash("sha256").update(body).digest().equals(digest)) return entries;
    // Only what this program wrote comes so far: the digest has been compared.
    const { names, sizes, times, heads, counts, patients, areas } = deserialize(body) as Columns;
    const [headList, patientList] = [heads.split("\0"), patients.split("\0")];
    for (const [at, name] of names.split("\0").entries()) {
      const [axial = UNKNOWN, coronal = 0, sagittal = 0] = [counts[3 * at], counts[3 * at + 1], counts[3 * at + 2]];
      const known = axial !== UNKNOWN;
      const entry: Entry = {
        size: sizes[at] as number,
        mtimeMs: times[at] as number,
        head: headList[at] || undefined,
        facts: known ? { counts: [axial, coronal, sagittal], patient: patientList[at] as string } : undefined,
        areas: areas.get(at),
        current: false,
      };
      entries.set(isAbsolute(name) ? name : inside + name, entry);
    }
  } catch {
    return new Map();
  }
  return entries;
}
