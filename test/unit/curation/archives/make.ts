import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { ZipFile } from "yazl";

/** Writes a zip file of the given contents, in order. */
export async function writeZip(
  path: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  zip64 = false,
): Promise<string> {
  const zip = new ZipFile();
  // A fixed time keeps the bytes, and with them the hashes, the same.
  const options = { mtime: new Date(2020, 0, 1), mode: 0o100644 };
  for (const [name, content] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(content), name, { ...options, forceZip64Format: zip64 });
  }
  const out = createWriteStream(path);
  zip.outputStream.pipe(out);
  zip.end({ forceZip64Format: zip64, comment: "" });
  await finished(out);
  return path;
}

type TarFile = Partial<Header> & { name: string; content?: string };

/** Writes a tar file, gzipped where the name says so. */
export async function writeTar(path: string, files: readonly TarFile[]): Promise<string> {
  const tar = pack();
  for (const { content = "", ...header } of files) tar.entry({ mtime: new Date(0), ...header }, content);
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const out = createWriteStream(path);
  const target = path.endsWith("gz") ? createGzip() : undefined;
  target?.pipe(out);
  (target ?? out).end(Buffer.concat(chunks));
  await once(out, "close");
  return path;
}

/** Replaces every occurrence of a name in a finished archive by another of the same length. */
export function renameBytes(archive: Buffer, from: string, to: string): Buffer {
  if (from.length !== to.length) throw new Error("names of the same length, please");
  return Buffer.from(archive.toString("latin1").replaceAll(from, to), "latin1");
}
