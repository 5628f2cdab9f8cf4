import { z } from "zod";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { readRegular } from "../../support/files/regular-file.ts";

/** What a description may be at most; `depth` is of brackets within each other. */
export const DESCRIPTION_LIMITS = { bytes: 2 ** 24, depth: 64 } as const;

const named = z.union([z.string(), z.number()]);

/** What `dataset.json` of the Medical Segmentation Decathlon or of nnU-Net says, as far as it matters here. */
const schema = z.object({
  name: z.string().optional(),
  /** Decathlon: number → name; nnU-Net: name → number, or numbers where labels overlap. */
  labels: z.record(z.string(), z.union([named, z.array(z.number())])),
  /** Decathlon. */
  training: z.array(z.union([z.string(), z.object({ image: z.string(), label: z.string().optional() })])).optional(),
  test: z.array(z.unknown()).optional(),
  modality: z.record(z.string(), named).optional(),
  /** nnU-Net. */
  channel_names: z.record(z.string(), named).optional(),
  file_ending: z.string().optional(),
});

export type Description = z.infer<typeof schema> & { path: string };

/** @throws MsmaeError Data when the file is no such description, naming every field that is wrong. */
export async function readDescription(path: string): Promise<Description> {
  try {
    const text = (await readRegular(path, DESCRIPTION_LIMITS.bytes)).toString("utf8");
    if (isDeeperThan(text, DESCRIPTION_LIMITS.depth)) throw new Error(`more than ${DESCRIPTION_LIMITS.depth} levels`);
    const parsed = schema.safeParse(JSON.parse(text));
    if (parsed.success) return { ...parsed.data, path };
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`);
    throw new Error(faults.join("; "));
  } catch (cause) {
    const parts = {
      where: path,
      expected:
        "the description of a Decathlon (labels, training) or nnU-Net (labels, channel_names, file_ending) data set",
      got: messageOf(cause),
      todo: "correct the file",
    };
    throw new MsmaeError("Data", parts, { cause });
  }
}

/** Whether brackets stand within each other more often: told before they are read, since each takes memory. */
function isDeeperThan(text: string, most: number): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === "[" || token === "{") depth++;
    else if (token === "]" || token === "}") depth--;
    if (depth > most) return true;
  }
  return false;
}
