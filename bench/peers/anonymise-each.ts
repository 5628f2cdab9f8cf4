/**
 * Anonymises every DICOM file of a folder by itself, for anonymise_check.py: OUT/index.json says which file became which.
 *
 * Usage: node bench/peers/anonymise-each.ts IN OUT [OPTION...]
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AnonymiseOption } from "../../src/config/verbs/data-anonymise.ts";
import { anonymiseBytes } from "../../src/curation/anonymise/file.ts";
import { Pseudonyms } from "../../src/curation/anonymise/pseudonyms.ts";
import { looksLikeDicom } from "../../src/formats/dicom/file.ts";
import { messageOf } from "../../src/support/errors.ts";

const [from = "", to = "", ...options] = process.argv.slice(2);
mkdirSync(to, { recursive: true });
const given = {
  options: new Set(options as AnonymiseOption[]),
  pseudonyms: new Pseudonyms("a key for checks"),
  decodedBytes: 2 ** 30,
};
const index: Record<string, string | null>[] = [];
for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath, entry.name);
  const bytes = readFileSync(path);
  if (!looksLikeDicom(bytes.subarray(0, 132))) continue;
  const name = `${index.length}.dcm`;
  try {
    const file = anonymiseBytes(bytes, path, given);
    if (file) writeFileSync(join(to, name), Buffer.concat(file.chunks));
    index.push({ path, name: file ? name : null, reason: file ? null : "DICOMDIR" });
  } catch (error) {
    index.push({ path, name: null, reason: messageOf(error) });
  }
}
writeFileSync(join(to, "index.json"), JSON.stringify(index));
