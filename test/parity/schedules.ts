import type { ParameterGroup } from "../../src/engine/optim/parameter-groups.ts";
import { lrAt, type WarmupCosine } from "../../src/engine/optim/schedule.ts";
import { finetuneGroups, pretrainGroups } from "../../src/method/models/parameter-groups.ts";
import { hostValues, type Tolerance } from "../tolerances.ts";
import { dtypeOfNumbers } from "./goldens.ts";
import type { Comparison } from "./harness.ts";

/** `lr-schedule.json`: schedules with [epoch, lr] points. */
export type ScheduleGoldens = (WarmupCosine & { points: [epoch: number, lr: number][] })[];

type Groups = Record<string, { lrScale?: number; weightDecay: number; shape: number[] }>;

/** `param-groups-*.json`: lr scale and weight decay of every parameter of a model. */
export interface GroupGoldens {
  finetuneLayerDecay: number;
  finetune?: Groups;
  pretrain?: Groups;
}

/** Every point of every schedule. */
export function checkSchedules(goldens: ScheduleGoldens, out: Comparison): void {
  goldens.forEach(({ points, ...schedule }, index) => {
    const got = points.map(([epoch]) => lrAt(schedule, epoch));
    const expected = points.map(([, lr]) => lr);
    out.add(
      `schedule ${index} (${schedule.epochs} epochs)`,
      "host",
      got,
      expected,
      hostValues[dtypeOfNumbers(expected)],
    );
  });
}

/** Learning rate scale and weight decay of every parameter. */
export function checkGroups(
  { finetune, pretrain, finetuneLayerDecay: layerDecay }: GroupGoldens,
  out: Comparison,
): void {
  const both = [pretrain ?? {}, finetune ?? {}].flatMap((groups) => Object.values(groups));
  const tolerance = hostValues[dtypeOfNumbers(both.flatMap(({ lrScale = 1, weightDecay }) => [lrScale, weightDecay]))];
  const compare = (kind: string, expected: Groups, got: ReadonlyMap<string, ParameterGroup>) =>
    compareGroups(kind, expected, got, { out, tolerance });
  if (pretrain) compare("pretrain", pretrain, pretrainGroups(tensorsOf(pretrain), decayOf(pretrain)));
  if (finetune) {
    const blocks = Object.keys(finetune).map((name) => Number(/^blocks\.(\d+)\./.exec(name)?.[1] ?? -1));
    const options = { depth: Math.max(...blocks) + 1, weightDecay: decayOf(finetune), layerDecay };
    compare("finetune", finetune, finetuneGroups(tensorsOf(finetune), options));
  }
}

function compareGroups(
  kind: string,
  expected: Groups,
  got: ReadonlyMap<string, ParameterGroup>,
  { out, tolerance }: { out: Comparison; tolerance: Tolerance },
): void {
  for (const [name, { lrScale = 1, weightDecay }] of Object.entries(expected)) {
    const group = got.get(name);
    const values = group ? [group.lrScale, group.weightDecay] : [];
    out.add(`${kind}/${name}`, "host", values, [lrScale, weightDecay], tolerance);
  }
}

const tensorsOf = (groups: Groups) => Object.entries(groups).map(([name, { shape }]) => ({ name, shape }));

/** The run's weight decay: that of the tensors that decay. */
const decayOf = (groups: Groups) => Math.max(...Object.values(groups).map(({ weightDecay }) => weightDecay));
