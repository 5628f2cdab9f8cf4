import { extname } from "node:path";
import { MsmaeError } from "../../support/errors.ts";
import { type Archive, checkSignal } from "../archives/archive.ts";
import { publishedTable, type Table } from "./table.ts";
import type { Preset, Survey, SurveyEntry } from "./types.ts";

/** A table is read wholly; the largest published one has 11 MB. */
const LARGEST_TABLE = 2 ** 28;
/** What a picture of a published data set may be called. */
const PICTURES = new Set([".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"]);

/**
 * Reads the names of all entries, and the tables that the preset asks for.
 *
 * @param suggest - the preset that entries of these names look like.
 * @param encoding - of tables that are no UTF-8.
 * @param onArchive - called after each archive.
 * @throws MsmaeError Data when an archive or a table cannot be read; Interrupted by the signal.
 */
export async function surveyArchives(
  archives: readonly Archive[],
  preset: Preset,
  suggest: (names: readonly string[]) => Preset | undefined,
  { encoding, onArchive, signal }: { encoding?: string; onArchive?: () => void; signal?: AbortSignal } = {},
): Promise<Survey> {
  const entries: SurveyEntry[] = [];
  const tables: Table[] = [];
  const tableArchives = new Set<number>();
  for (const [at, archive] of archives.entries()) {
    let index = 0;
    for await (const { name, size, open } of archive.entries(signal)) {
      const file = name.slice(name.lastIndexOf("/") + 1);
      const stem = file.slice(0, file.length - extname(file).length).toLowerCase();
      entries.push({ archive: at, index: index++, name, file, stem, size });
      if (!preset.isTable?.(file)) continue;
      const bytes = await readWhole(`${archive.path}: ${name}`, size, open);
      tables.push(publishedTable(name, bytes, encoding));
      tableArchives.add(at);
    }
    checkSignal(signal, archive.path);
    onArchive?.();
  }
  const isPicture = ({ file }: SurveyEntry) => PICTURES.has(extname(file).toLowerCase());
  const pictures = entries.filter(isPicture);
  return {
    archives,
    entries,
    pictures: pictures.filter(({ size }) => size > 0),
    empty: pictures.filter(({ size }) => size === 0),
    tables,
    tableArchives,
    wrongArchives: (expected) => wrongArchives(archives, entries, preset, suggest, expected),
  };
}

async function readWhole(where: string, size: number, open: () => AsyncIterable<Uint8Array>): Promise<Buffer> {
  if (size > LARGEST_TABLE) {
    const todo = "give the table as it is published";
    throw new MsmaeError("Data", { where, expected: `at most ${LARGEST_TABLE} bytes`, got: `${size} bytes`, todo });
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function wrongArchives(
  archives: readonly Archive[],
  entries: readonly SurveyEntry[],
  preset: Preset,
  suggest: (names: readonly string[]) => Preset | undefined,
  expected: string,
): MsmaeError {
  const held = archives.map(({ name }, at) => {
    const own = entries.filter(({ archive }) => archive === at);
    const shown = own.slice(0, 2).map((entry) => entry.name);
    if (own.length > 2) shown.push("…");
    return `${name} with ${own.length} files${own.length > 0 ? ` (${shown.join(", ")})` : ""}`;
  });
  const other = suggest(entries.map(({ name }) => name));
  const todo = other
    ? `these look like preset ${other.name}: msmae data prepare ${other.name}`
    : `preset ${preset.name} takes ${preset.expects.join("; ")}`;
  return new MsmaeError("Data", { where: `preset ${preset.name}`, expected, got: held.join("; "), todo });
}
