import { join } from "node:path";
import { equivalence } from "../results/metrics/index.ts";
import { mean } from "../results/metrics/mean.ts";
import type { LossRow } from "../results/report/index.ts";
import { type Arm, armsOf, type Plan } from "./plan.ts";
import { epochsOf } from "./run-log.ts";
import { pretrainingFolder, trainingFolder } from "./steps.ts";

/** Whether two arms train alike, in pre-training or after it. */
export interface LossComparison extends LossRow {
  stage: "pretrain" | Arm["verb"];
}

/**
 * Compares the training losses of the arms that a plan's `equal` names, and those of the pre-trainings that they start from,
 * where these are two and as long. With one seed there is nothing to compare.
 *
 * @param seeds those that all arms have finished.
 */
export async function compareLosses(root: string, plan: Plan, seeds: readonly number[]): Promise<LossComparison[]> {
  if (seeds.length < 2) return [];
  const found = await Promise.all(
    stagesOf(plan).map(async ({ folderOf, ...names }) => {
      const lossesOf = (name: string) =>
        Promise.all(
          seeds.map(async (seed) => (await epochsOf(join(root, folderOf(name, seed)))).map((line) => line.train_loss)),
        );
      const losses = compared(await lossesOf(names.first), await lossesOf(names.second));
      return losses ? [{ ...names, ...losses }] : [];
    }),
  );
  return found.flat();
}

/** The trainings that are compared, pre-training before what starts from it. */
function stagesOf(plan: Plan) {
  const arms = new Map(armsOf(plan).map((arm) => [arm.name, arm]));
  return plan.equal.flatMap(([first, second]) => {
    const [one, other] = [arms.get(first), arms.get(second)] as [Arm, Arm];
    const after = { stage: one.verb, first, second, folderOf: trainingFolder } as const;
    if (one.from === undefined || other.from === undefined || one.from === other.from) return [after];
    return [{ stage: "pretrain", first: one.from, second: other.from, folderOf: pretrainingFolder } as const, after];
  });
}

type Compared = Omit<LossComparison, "stage" | "first" | "second">;

/** Losses [seeds][epochs] of two trainings; undefined where these are not equally long. */
function compared(first: readonly number[][], second: readonly number[][]): Compared | undefined {
  const epochs = second[0]?.length ?? 0;
  if (epochs === 0 || [...first, ...second].some((losses) => losses.length !== epochs)) return undefined;
  const each = Array.from({ length: epochs }, (_, epoch) => {
    const [own, other] = [first, second].map((seeds) => seeds.map((losses) => losses[epoch] as number));
    return equivalence(own as number[], other as number[]);
  });
  return {
    ...equivalence(first.map(mean), second.map(mean)),
    seeds: first.length,
    epochs,
    equalEpochs: each.filter(({ equal }) => equal).length,
    higherEpochs: each.filter(({ equal, difference }) => !equal && difference > 0).length,
  };
}
