import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isFolder } from "../support/files/path-kind.ts";
import { type BesideFacts, besideFacts } from "./beside-facts.ts";

/** What `config.json` and `preprocessor_config.json` in a checkpoint's folder, or the folder given, say of it; a file that is none says nothing. */
export async function factsBeside(path: string): Promise<BesideFacts> {
  const folder = (await isFolder(path)) ? path : dirname(path);
  const read = async (name: string): Promise<unknown> => {
    try {
      return JSON.parse(await readFile(join(folder, name), "utf8"));
    } catch {
      // Weights need not have it, and what is there may be another program's.
      return undefined;
    }
  };
  return besideFacts(path, await read("config.json"), await read("preprocessor_config.json"));
}
