import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { MsmaeError } from "../support/errors.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { readIfThere } from "../support/files/read-if-there.ts";
import { type Plan, readPlan } from "./plan.ts";

/** Stands in an experiment's folder, to repeat it with. */
const PLAN = "plan.yaml";

/**
 * The plan of a folder: the one given, which may have further arms and another number of seeds than the one that stands there,
 * but nothing else. What is asked now is kept with what was asked before.
 *
 * @throws MsmaeError Data where the folder is another plan's, or cannot be written.
 */
export async function keptPlan(root: string, plan: Plan): Promise<Plan> {
  await mkdir(root, { recursive: true });
  const path = join(root, PLAN);
  const text = await readIfThere(path);
  const before = text === undefined ? undefined : readPlan(text, path);
  const differs = before && whatDiffers(before, plan);
  if (differs !== undefined) {
    throw new MsmaeError("Data", {
      where: root,
      expected: "a new folder, or one of the same plan",
      got: `a plan of other ${differs} (${PLAN})`,
      todo: "choose another --output-dir",
    });
  }
  const pretrain = { ...before?.pretrain, ...plan.pretrain };
  const finetune = { ...before?.finetune, ...plan.finetune };
  const segment = { ...before?.segment, ...plan.segment };
  const all = { ...plan, ...seedRange(plan, before), pretrain, finetune, segment };
  if (!isDeepStrictEqual(before, all)) await writeFileAtomic(path, stringify(all));
  return plan;
}

/** The seeds of both plans, and those between. */
function seedRange(plan: Plan, before: Plan = plan): Pick<Plan, "firstSeed" | "seeds"> {
  const firstSeed = Math.min(plan.firstSeed, before.firstSeed);
  const end = Math.max(plan.firstSeed + plan.seeds, before.firstSeed + before.seeds);
  return { firstSeed, seeds: end - firstSeed };
}

/** What makes the steps of two plans differ that have the same name; undefined where nothing does. */
function whatDiffers(before: Plan, plan: Plan): string | undefined {
  const clash = (a: Record<string, unknown>, b: Record<string, unknown>): string | undefined =>
    Object.keys(a).find((name) => name in b && !isDeepStrictEqual(a[name], b[name]));
  if (!isDeepStrictEqual(before.data, plan.data)) return "data";
  if (!isDeepStrictEqual(before.options, plan.options)) return "options";
  const pretraining = clash(before.pretrain, plan.pretrain);
  if (pretraining !== undefined) return `options for the pre-training ${pretraining}`;
  const arm = clash(before.finetune, plan.finetune) ?? clash(before.segment, plan.segment);
  return arm === undefined ? undefined : `options for the arm ${arm}`;
}
