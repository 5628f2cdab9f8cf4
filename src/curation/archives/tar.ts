import { createReadStream } from "node:fs";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { isJunk } from "../../data/folders/junk.ts";
import { MsmaeError } from "../../support/errors.ts";
import { ArchiveBudget, type ArchiveEntry, archiveError, checkSignal, readingFault } from "./archive.ts";
import { linkFault, safeEntryName } from "./entry-name.ts";
import { extract, type Header } from "./generated/tar-stream.js";
import type { ArchiveLimits } from "./limits.ts";

/**
 * The files of a tar archive, gzipped or not, in their order.
 *
 * @throws MsmaeError Data as {@link Archive.entries} says.
 */
export async function* tarEntries(
  where: string,
  file: string,
  gzipped: boolean,
  limits: ArchiveLimits,
  signal?: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  const format = gzipped ? "tar.gz archive" : "tar archive";
  const budget = new ArchiveBudget(where, limits);
  const source = createReadStream(file);
  const archive = extract();
  const guard = gzipped ? [createGunzip(), ratioGuard(where, limits, () => source.bytesRead)] : [];
  // Its failure destroys the archive, whose iteration then throws; it is looked at once more at the end.
  const fed = pipeline([source, ...guard, archive]).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  try {
    for await (const entry of archive) {
      checkSignal(signal, where);
      budget.countEntry();
      const { header } = entry;
      const name = isPlainFile(where, header) ? safeEntryName(where, header.name) : undefined;
      if (name !== undefined && !isJunk(name)) {
        let opened = false;
        const open = () => {
          opened = true;
          // Its library's streams type their chunks as unknown.
          const chunks = entry as AsyncIterable<Uint8Array>;
          return content(`${where}: ${name}`, format, chunks, () => budget.countBytes(name, header.size));
        };
        yield { name, size: header.size, open };
        if (opened) continue;
      }
      entry.resume();
    }
  } catch (cause) {
    // What went wrong further up says more than that the archive ended.
    throw cause instanceof MsmaeError ? cause : readingFault(where, format, (await fed) ?? cause);
  } finally {
    // Where the reader stopped early, nothing waits for the rest.
    source.destroy();
    archive.destroy();
  }
  const fault = await fed;
  if (fault !== undefined) throw readingFault(where, format, fault);
}

function isPlainFile(where: string, header: Header): boolean {
  switch (header.type) {
    case "file":
    case "contiguous-file":
      return true;
    case "directory":
      return false;
    case "link":
    case "symlink":
      throw linkFault(where, header.name);
    default: {
      const got = `${JSON.stringify(header.name)} (${header.type})`;
      throw archiveError(where, "plain files", got, "unpack it yourself if you trust it, and give the folder");
    }
  }
}

async function* content(
  where: string,
  format: string,
  chunks: AsyncIterable<Uint8Array>,
  count: () => void,
): AsyncGenerator<Uint8Array> {
  count();
  try {
    yield* chunks;
  } catch (cause) {
    throw readingFault(where, format, cause);
  }
}

function ratioGuard(where: string, { ratio, ratioFreeBytes }: ArchiveLimits, compressed: () => number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      bytes += chunk.length;
      if (bytes <= ratioFreeBytes || bytes <= ratio * compressed()) return callback(null, chunk);
      const expected = `at most ${ratio} times the compressed size`;
      const todo = "get the archive from its official source; if it is right, unpack it yourself and give the folder";
      callback(archiveError(where, expected, `${bytes} bytes from ${compressed()}`, todo));
    },
  });
}
