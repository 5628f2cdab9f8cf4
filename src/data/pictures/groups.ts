import { createHash, createHmac } from "node:crypto";
import type { ListedFile } from "../layouts/listing.ts";

export interface Groups {
  /** Of each file; undefined where it belongs to nobody known. */
  groups: (string | undefined)[];
  groupedBy: "patient_id" | "lesion_id" | undefined;
}

/**
 * Files that share a patient or a lesion, directly or by way of other files, are one group. A group bears the name that
 * the data set's table gives its patient, else its lesion; for patients that DICOM headers name, a pseudonym.
 */
export function groupsOf(files: readonly ListedFile[], digests: ReadonlyMap<number, string>): Groups {
  const pseudonym = pseudonyms(digests);
  const keys = files.map(({ patient, lesions = [] }, at): string[] => {
    const digest = digests.get(at);
    const person = patient ?? (lesions.length === 0 && digest !== undefined ? pseudonym(digest) : undefined);
    return [...(person === undefined ? [] : [`p${person}`]), ...lesions.map((lesion) => `l${lesion}`)];
  });
  const parent = new Map<string, string>();
  const rootOf = (key: string): string => {
    let top = key;
    for (let next = parent.get(top); next !== undefined; next = parent.get(top)) top = next;
    for (let at = key; at !== top; ) {
      const next = parent.get(at) as string;
      parent.set(at, top);
      at = next;
    }
    return top;
  };
  for (const [first, ...others] of keys) {
    for (const other of others) {
      const [a, b] = [rootOf(first as string), rootOf(other)];
      // Patients stay at the top, so that a group bears a patient's name where it has one.
      if (a !== b) b.startsWith("p") ? parent.set(a, b) : parent.set(b, a);
    }
  }
  const groups = keys.map(([key]) => (key === undefined ? undefined : rootOf(key).slice(1)));
  const named = keys.flatMap(([key]) => key ?? []);
  if (named.some((key) => key.startsWith("p"))) return { groups, groupedBy: "patient_id" };
  return { groups, groupedBy: named.length > 0 ? "lesion_id" : undefined };
}

/**
 * Short names for patients. They are keyed by all patients of the data set together, so that nobody can find a name by
 * trying the identities one after another; and so they are the same wherever the data set lies.
 */
function pseudonyms(digests: ReadonlyMap<number, string>): (digest: string) => string {
  const distinct = [...new Set(digests.values())].sort();
  const key = createHash("sha256").update(distinct.join("\0")).digest();
  const names = new Map(
    distinct.map((digest) => [digest, createHmac("sha256", key).update(digest).digest("hex").slice(0, 12)]),
  );
  return (digest) => names.get(digest) as string;
}
