import { readFile } from "node:fs/promises";
import { dirname, join, parse } from "node:path";
import { isFolder } from "../support/files/path-kind.ts";
import { type BesideFacts, besideFacts, convertedFacts } from "./beside-facts.ts";

/**
 * What stands beside a checkpoint: `config.json` and `preprocessor_config.json` in its folder, or the folder given, and what
 * `convert` wrote beside a file of torch.save, `out.json` for `out.pth`. A file that is none says nothing.
 */
export async function factsBeside(path: string): Promise<BesideFacts> {
  const whole = await isFolder(path);
  const folder = whole ? path : dirname(path);
  const read = async (name: string): Promise<unknown> => {
    try {
      return JSON.parse(await readFile(join(folder, name), "utf8"));
    } catch {
      // Weights need not have it, and what is there may be another program's.
      return undefined;
    }
  };
  const facts = besideFacts(path, await read("config.json"), await read("preprocessor_config.json"));
  const { name, ext } = parse(path);
  const isTorch = [".pth", ".pt", ".bin"].includes(ext) && !whole;
  return isTorch ? { ...facts, ...convertedFacts(await read(`${name}.json`)) } : facts;
}
