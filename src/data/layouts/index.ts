import { stat } from "node:fs/promises";
import { join } from "node:path";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { isFile } from "../../support/files/path-kind.ts";
import { listCsv } from "./csv.ts";
import { readDescription } from "./description.ts";
import { listImageFolder } from "./image-folder.ts";
import { dataError, type LayoutContext, type Listing } from "./listing.ts";
import { hasMasks, listMasks, maskedSplits } from "./masks.ts";
import { listMsd } from "./msd.ts";
import { isNnunet, listNnunet } from "./nnunet.ts";

/**
 * Recognises the shape of a data set and lists its files.
 * @throws MsmaeError Data when it is of no known shape, or something in it is wrong.
 */
export async function findLayout(dataPath: string, context: LayoutContext): Promise<Listing> {
  if (!(await isDirectory(dataPath))) {
    // Workbooks are told by their content, with what to do about them.
    if (/\.(csv|tsv|tab|txt|xlsx|xls|ods)$/i.test(dataPath)) return listCsv(dataPath, context);
    const todo = "point --data-path at the folder that holds the data set, or at a .csv file";
    throw dataError(dataPath, "a folder or a CSV file", "a file of another kind", todo);
  }
  const table = join(dataPath, "dataset.csv");
  if (await isFile(table)) return listCsv(table, context);
  const described = join(dataPath, "dataset.json");
  if (await isFile(described)) {
    const description = await readDescription(described);
    return isNnunet(description) ? listNnunet(dataPath, description) : listMsd(dataPath, description);
  }
  if ((await hasMasks(dataPath)) || (await maskedSplits(dataPath)).size > 0) return listMasks(dataPath, context);
  return listImageFolder(dataPath, context);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    const parts = {
      where: path,
      expected: "a readable folder or CSV file",
      got: messageOf(cause),
      todo: "check the path and its permissions",
    };
    throw new MsmaeError("Data", parts, { cause });
  }
}
