import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A card of ours: its front matter, and the first paragraph on the data. */
const CARD = /^---\n.*?^library_name: msmae$.*?^---$.*?^## Training data\n\n([^\n]+)$/ms;

/**
 * What the model card beside a checkpoint says of the training data: its name, how many images, and their terms. Undefined where
 * there is no card that msmae wrote.
 */
export async function trainingDataOf(checkpoint: string): Promise<string | undefined> {
  const card = await readFile(join(dirname(checkpoint), "README.md"), "utf8").catch(() => undefined);
  return card === undefined ? undefined : CARD.exec(card)?.[1];
}
