import { MsmaeError } from "../../support/errors.ts";
import { RandomStream } from "../../support/random.ts";
import { type ConfusionMatrix, countsPerClass } from "./confusion.ts";
import { type McnemarTest, mcnemarTest } from "./mcnemar.ts";
import { mean } from "./mean.ts";
import { quantileOf } from "./quantile.ts";

/** What was told of the same cases by a model trained with one seed. */
export interface SeedAnswers {
  /** [n] true class indices. */
  labels: ArrayLike<number>;
  /** [n] predicted class indices. */
  predictions: ArrayLike<number>;
}

/** A way of training, tried with several seeds. */
export interface SeededArm {
  name: string;
  /** Of all arms in the same order: the answers of one seed are on the same cases in all of them. */
  seeds: readonly SeedAnswers[];
}

/** What {@link seededArms} takes. */
export interface SeededArmsInput {
  arms: readonly SeededArm[];
  /** Number of classes. */
  classes: number;
  /** Pairs of names whose difference is asked: the first less the second. */
  differences: readonly (readonly [string, string])[];
  seed: number;
  /** Default 2000. */
  resamples?: number | undefined;
}

export const ARM_FIGURES = ["accuracy", "balancedAccuracy", "f1Macro"] as const;
export type ArmFigure = (typeof ARM_FIGURES)[number];

/** A figure over seeds. */
export interface SeededEstimate {
  /** Mean over seeds. */
  mean: number;
  /** Standard deviation over seeds, of the sample; null with one seed. */
  std: number | null;
  /** 95 % interval by the bootstrap over seeds and cases. */
  low: number;
  high: number;
}

/** The first arm less the second. */
export interface ArmDifference {
  first: string;
  second: string;
  figures: Record<ArmFigure, { delta: number; low: number; high: number; p: number }>;
  /** Of each seed: in how many the difference of accuracy is above 0. */
  seedsAbove: number;
  /** Of each seed: McNemar's test of which images each of the two is right on. */
  mcnemar: McnemarTest[];
}

/** Arms and what lies between them; plain data that survives JSON unchanged. */
export interface SeededArms {
  seeds: number;
  arms: { name: string; figures: Record<ArmFigure, SeededEstimate> }[];
  differences: ArmDifference[];
  resamples: number;
}

/**
 * Figures of several ways of training, each tried with the same seeds, and their differences with 95 % intervals. A resample
 * draws the seeds anew, and of each seed's cases as many of every class as there are; where all seeds have the same cases,
 * these are drawn once for all. All arms see the same draw. With few seeds such intervals are too narrow: `std` and
 * `seedsAbove` say what the seeds alone do.
 *
 * @throws MsmaeError Config for arms without seeds, or of other names or numbers of seeds; Shape where the cases of a seed
 * differ between arms.
 */
export function seededArms(input: SeededArmsInput): SeededArms {
  const { arms, classes, differences, seed, resamples = 2000 } = input;
  check(input);
  const cases = (arms[0] as SeededArm).seeds.map(({ labels }) => labels);
  const shared = cases.every((labels) => sameLabels(labels, cases[0] as ArrayLike<number>));
  const observed = figuresOf(
    arms,
    classes,
    cases.map((labels) => new Uint32Array(labels.length).fill(1)),
    [...cases.keys()],
  );
  const random = RandomStream.for(seed, "bootstrap");
  const drawn = Array.from({ length: resamples }, () => {
    const seeds = cases.map(() => random.integer(0, cases.length - 1));
    const common = shared ? drawCases(cases[0] as ArrayLike<number>, classes, random) : undefined;
    // The same seed drawn twice has its cases drawn once.
    const times = cases.map((labels, at) => common ?? (seeds.includes(at) ? drawCases(labels, classes, random) : NONE));
    return figuresOf(arms, classes, times, seeds).map((seedFigures) => meansOf(seedFigures));
  });
  const at = (name: string): number => arms.findIndex((arm) => arm.name === name);
  return {
    seeds: cases.length,
    arms: arms.map(({ name }, arm) => ({
      name,
      figures: byFigure((figure) => {
        const values = (observed[arm] as Figures[]).map((figures) => figures[figure]);
        const middle = mean(values);
        const spread = values.length < 2 ? null : deviation(values, middle);
        return { mean: middle, std: spread, ...interval(drawn.map((means) => (means[arm] as Figures)[figure])) };
      }),
    })),
    differences: differences.map(([first, second]) => {
      const [a, b] = [at(first), at(second)];
      const [own, other] = [observed[a] as Figures[], observed[b] as Figures[]];
      return {
        first,
        second,
        figures: byFigure((figure) => {
          const values = drawn.map((means) => (means[a] as Figures)[figure] - (means[b] as Figures)[figure]);
          return { delta: meansOf(own)[figure] - meansOf(other)[figure], p: againstZero(values), ...interval(values) };
        }),
        seedsAbove: own.filter(({ accuracy }, k) => accuracy > (other[k] as Figures).accuracy).length,
        mcnemar: cases.map((_, k) => mcnemarTest(rightOf(arms[a] as SeededArm, k), rightOf(arms[b] as SeededArm, k))),
      };
    }),
    resamples,
  };
}

type Figures = Record<ArmFigure, number>;

const NONE = new Uint32Array();

/** [arms][seeds drawn] */
function figuresOf(
  arms: readonly SeededArm[],
  classes: number,
  times: readonly Uint32Array[],
  seeds: readonly number[],
): Figures[][] {
  return arms.map((arm) => {
    const known = new Map<number, Figures>();
    return seeds.map((at) => {
      const found = known.get(at) ?? measure(arm.seeds[at] as SeedAnswers, classes, times[at] as Uint32Array);
      known.set(at, found);
      return found;
    });
  });
}

function measure({ labels, predictions }: SeedAnswers, classes: number, times: Uint32Array): Figures {
  const confusion: number[][] = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < times.length; i++) {
    const row = confusion[labels[i] as number] as number[];
    const told = predictions[i] as number;
    row[told] = (row[told] as number) + (times[i] as number);
  }
  return figuresOfCounts(confusion);
}

/** As `classificationMetrics` has them. */
function figuresOfCounts(confusion: ConfusionMatrix): Figures {
  const counts = countsPerClass(confusion);
  const occurring = counts.filter(({ support }) => support > 0);
  const seen = counts.filter(({ support, predicted }) => support + predicted > 0);
  const total = counts.reduce((sum, { support }) => sum + support, 0);
  return {
    accuracy: confusion.reduce((sum, row, k) => sum + (row[k] as number), 0) / total,
    balancedAccuracy: mean(occurring.map(({ recall }) => recall)),
    f1Macro: mean(seen.map(({ f1 }) => f1)),
  };
}

/** How often each case is drawn, as many of every class as there are. */
function drawCases(labels: ArrayLike<number>, classes: number, random: RandomStream): Uint32Array {
  const times = new Uint32Array(labels.length);
  const members: number[][] = Array.from({ length: classes }, () => []);
  for (let i = 0; i < labels.length; i++) (members[labels[i] as number] as number[]).push(i);
  for (const own of members) {
    for (let draw = 0; draw < own.length; draw++) {
      const i = own[random.integer(0, own.length - 1)] as number;
      times[i] = (times[i] as number) + 1;
    }
  }
  return times;
}

/** [n] 1 where an arm is right with a seed. */
function rightOf({ seeds }: SeededArm, seed: number): Uint8Array {
  const { labels, predictions } = seeds[seed] as SeedAnswers;
  return Uint8Array.from(labels, (label, i) => Number(predictions[i] === label));
}

function byFigure<Value>(of: (figure: ArmFigure) => Value): Record<ArmFigure, Value> {
  return Object.fromEntries(ARM_FIGURES.map((figure) => [figure, of(figure)])) as Record<ArmFigure, Value>;
}

function meansOf(seeds: readonly Figures[]): Figures {
  return byFigure((figure) => mean(seeds.map((figures) => figures[figure])));
}

function deviation(values: readonly number[], middle: number): number {
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

function interval(values: readonly number[]): { low: number; high: number } {
  const sorted = Float64Array.from(values).sort();
  return { low: quantileOf(sorted, 0.025), high: quantileOf(sorted, 0.975) };
}

/** As `bootstrapEstimates` tells it. */
function againstZero(values: readonly number[]): number {
  const below = 1 + values.filter((value) => value <= 0).length;
  const above = 1 + values.filter((value) => value >= 0).length;
  return Math.min(1, (2 * Math.min(below, above)) / (values.length + 1));
}

function sameLabels(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function check({ arms, differences }: SeededArmsInput): void {
  const names = arms.map(({ name }) => name);
  const seeds = arms[0]?.seeds.length ?? 0;
  const unknown = differences.flat().filter((name) => !names.includes(name));
  if (seeds === 0 || arms.some((arm) => arm.seeds.length !== seeds) || unknown.length > 0) {
    throw new MsmaeError("Config", {
      where: "arms over seeds",
      expected: "arms of as many seeds each, at least one, and differences between these arms",
      got: `${arms.map((arm) => `${arm.seeds.length} seeds of ${arm.name}`).join(", ") || "no arms"}${unknown.length > 0 ? `, differences with ${unknown.join(", ")}` : ""}`,
      todo: "give the answers of every arm for every seed",
    });
  }
  for (const [at, { labels }] of (arms[0] as SeededArm).seeds.entries()) {
    const other = arms.find(
      ({ seeds: own }) =>
        !sameLabels(labels, (own[at] as SeedAnswers).labels) ||
        (own[at] as SeedAnswers).predictions.length !== labels.length,
    );
    if (other === undefined) continue;
    throw new MsmaeError("Shape", {
      where: `arms over seeds, seed ${at}`,
      expected: "the same cases in every arm",
      got: `others of ${other.name}`,
      todo: "evaluate all arms on the same images, and leave out what one of them could not read",
    });
  }
}
