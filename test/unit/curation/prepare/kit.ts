import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach } from "vitest";

/** A folder for each test, removed after it. */
export function temporaryFolder(): (name: string) => string {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "msmae-prepare-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  return (name) => join(root, name);
}

/** All files below a folder, sorted, "/" between. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Rows of a CSV file without quoted cells, by column. */
export function rowsOf(path: string): Record<string, string>[] {
  const [header = "", ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  const columns = header.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ""]));
  });
}

/** A grey PNG of 8 bits. */
export async function png8(width: number, height: number, values: readonly number[]): Promise<Buffer> {
  return sharp(Uint8Array.from(values), { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toBuffer();
}

/** A grey PNG of 16 bits. */
export async function png16(width: number, height: number, values: readonly number[]): Promise<Buffer> {
  return sharp(Uint16Array.from(values), { raw: { width, height, channels: 1 } })
    .toColourspace("grey16")
    .png()
    .toBuffer();
}

/** The samples of a grey PNG of 8 bits. */
export async function pixelsOf(path: string): Promise<number[]> {
  const { data, info } = await sharp(path).toColourspace("b-w").raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== 1) throw new Error(`${info.channels} channels`);
  return [...data];
}

/** As many files as asked for, each with content of its own. */
export function many(count: number, nameOf: (at: number) => string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [nameOf(at), `content of ${nameOf(at)}`]));
}
