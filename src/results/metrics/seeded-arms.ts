import { MsmaeError } from "../../support/errors.ts";
import { RandomStream } from "../../support/random.ts";
import { againstZero } from "./bootstrap.ts";
import { type McnemarTest, mcnemarTest } from "./mcnemar.ts";
import { deviation, mean } from "./mean.ts";
import { quantileOf } from "./quantile.ts";
import type { SeedAnswers } from "./seed-answers.ts";

/** A way of training, tried with several seeds. */
export interface SeededArm<Figure extends string> {
  name: string;
  /** Of all arms in the same order: the answers of one seed are on the same cases in all of them. */
  seeds: readonly SeedAnswers<Figure>[];
}

/** What {@link seededArms} takes. */
export interface SeededArmsInput<Figure extends string> {
  arms: readonly SeededArm<Figure>[];
  /** Pairs of names whose difference is asked: the first less the second. */
  differences: readonly (readonly [string, string])[];
  /** Whether all seeds have the same cases, which are then drawn once for all of them. */
  sameCases: boolean;
  seed: number;
  /** Default 2000. */
  resamples?: number | undefined;
}

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
export interface ArmDifference<Figure extends string = string> {
  first: string;
  second: string;
  figures: Record<Figure, SeededDifference>;
  /** Of each seed: McNemar's test of which cases each of the two is right on; absent where none is right or wrong. */
  mcnemar?: McnemarTest[];
}

export interface SeededDifference {
  delta: number;
  low: number;
  high: number;
  /** Two-sided, as `bootstrapEstimates` tells it. */
  p: number;
  /** In how many seeds it is above 0. */
  seedsAbove: number;
}

/** Arms and what lies between them; plain data that survives JSON unchanged. */
export interface SeededArms<Figure extends string> {
  seeds: number;
  arms: { name: string; figures: Record<Figure, SeededEstimate> }[];
  differences: ArmDifference<Figure>[];
  resamples: number;
}

/**
 * Figures of several ways of training, each tried with the same seeds, and their differences with 95 % intervals. A resample
 * draws the seeds anew, and the cases of each, as many of every stratum as there are. All arms see the same draw. With few seeds such
 * intervals are too narrow: `std` and `seedsAbove` say what the seeds alone do.
 *
 * @throws MsmaeError Config for arms without seeds, or of other names or numbers of seeds; Shape where the cases of a seed
 * differ between arms.
 */
export function seededArms<Figure extends string>(input: SeededArmsInput<Figure>): SeededArms<Figure> {
  const { arms, differences, sameCases, seed, resamples = 2000 } = input;
  check(input);
  const ofSeeds = (arms[0] as SeededArm<Figure>).seeds;
  const once = ofSeeds.map(({ cases }) => new Uint32Array(cases.length).fill(1));
  const observed = measured(arms, once, [...ofSeeds.keys()]);
  const figures = Object.keys(observed[0]?.[0] ?? {}) as Figure[];
  const byFigure = <Value>(of: (figure: Figure) => Value): Record<Figure, Value> =>
    Object.fromEntries(figures.map((figure) => [figure, of(figure)])) as Record<Figure, Value>;
  const meansOf = (seeds: readonly Record<Figure, number>[]) =>
    byFigure((figure) => mean(seeds.map((own) => own[figure])));
  const random = RandomStream.for(seed, "bootstrap");
  const drawn = Array.from({ length: resamples }, () => {
    const seeds = ofSeeds.map(() => random.integer(0, ofSeeds.length - 1));
    const common = sameCases ? drawCases(ofSeeds[0] as SeedAnswers<Figure>, random) : undefined;
    // The same seed drawn twice has its cases drawn once.
    const times = ofSeeds.map((own, at) => common ?? (seeds.includes(at) ? drawCases(own, random) : new Uint32Array()));
    return measured(arms, times, seeds).map(meansOf);
  });
  const values = (arm: number, figure: Figure): number[] =>
    (observed[arm] as Record<Figure, number>[]).map((own) => own[figure]);
  const draws = (arm: number, figure: Figure): number[] =>
    drawn.map((means) => (means[arm] as Record<Figure, number>)[figure]);
  return {
    seeds: ofSeeds.length,
    arms: arms.map(({ name }, arm) => ({
      name,
      figures: byFigure((figure) => {
        const own = values(arm, figure);
        return { mean: mean(own), std: own.length < 2 ? null : deviation(own), ...interval(draws(arm, figure)) };
      }),
    })),
    differences: differences.map(([first, second]) => {
      const [a, b] = [first, second].map((name) => arms.findIndex((arm) => arm.name === name)) as [number, number];
      const mcnemar = ofSeeds.flatMap((_, at) => testOf(arms[a]?.seeds[at], arms[b]?.seeds[at]));
      return {
        first,
        second,
        figures: byFigure((figure) => {
          const [own, other] = [values(a, figure), values(b, figure)];
          const others = draws(b, figure);
          const less = draws(a, figure).map((value, k) => value - (others[k] as number));
          const seedsAbove = own.filter((value, k) => value > (other[k] as number)).length;
          return { delta: mean(own) - mean(other), ...interval(less), p: againstZero(less), seedsAbove };
        }),
        ...(mcnemar.length > 0 && { mcnemar }),
      };
    }),
    resamples,
  };
}

/** [arms][seeds drawn] */
function measured<Figure extends string>(
  arms: readonly SeededArm<Figure>[],
  times: readonly Uint32Array[],
  seeds: readonly number[],
): Record<Figure, number>[][] {
  return arms.map((arm) => {
    const known = new Map<number, Record<Figure, number>>();
    return seeds.map((at) => {
      const found = known.get(at) ?? (arm.seeds[at] as SeedAnswers<Figure>).measure(times[at] as Uint32Array);
      known.set(at, found);
      return found;
    });
  });
}

/** How often each case is drawn, as many of every stratum as there are. */
function drawCases({ cases, strata }: SeedAnswers<string>, random: RandomStream): Uint32Array {
  const times = new Uint32Array(cases.length);
  const members = Map.groupBy(cases.keys(), (at) => strata?.[at]);
  for (const own of members.values()) {
    for (let draw = 0; draw < own.length; draw++) {
      const at = own[random.integer(0, own.length - 1)] as number;
      times[at] = (times[at] as number) + 1;
    }
  }
  return times;
}

function testOf(first?: SeedAnswers<string>, second?: SeedAnswers<string>): McnemarTest[] {
  return first?.right && second?.right ? [mcnemarTest(first.right, second.right)] : [];
}

function interval(values: readonly number[]): { low: number; high: number } {
  const sorted = Float64Array.from(values).sort();
  return { low: quantileOf(sorted, 0.025), high: quantileOf(sorted, 0.975) };
}

function check({ arms, differences }: SeededArmsInput<string>): void {
  const names = arms.map(({ name }) => name);
  const seeds = arms[0]?.seeds.length ?? 0;
  const unknown = differences.flat().filter((name) => !names.includes(name));
  if (seeds === 0 || arms.some((arm) => arm.seeds.length !== seeds) || unknown.length > 0) {
    const counted = arms.map((arm) => `${arm.seeds.length} seeds of ${arm.name}`).join(", ") || "no arms";
    throw new MsmaeError("Config", {
      where: "arms over seeds",
      expected: "arms of as many seeds each, at least one, and differences between these arms",
      got: unknown.length > 0 ? `${counted}, differences with ${unknown.join(", ")}` : counted,
      todo: "give the answers of every arm for every seed",
    });
  }
  for (const [at, { cases }] of (arms[0] as SeededArm<string>).seeds.entries()) {
    const differs = (own: readonly string[] = []): boolean =>
      own.length !== cases.length || own.some((name, k) => name !== cases[k]);
    const other = arms.find(({ seeds: own }) => differs(own[at]?.cases));
    if (other === undefined) continue;
    throw new MsmaeError("Shape", {
      where: `arms over seeds, seed ${at}`,
      expected: "the same cases in every arm",
      got: `others of ${other.name}`,
      todo: "evaluate all arms on the same images, and leave out what one of them could not read",
    });
  }
}
