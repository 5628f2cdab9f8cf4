import { deviation, mean } from "../results/metrics/mean.ts";
import type {
  CurveChart,
  CurveSeries,
  LookingFigure,
  LookingRow,
  LookingSection,
  SeedsFigure,
} from "../results/report/index.ts";
import type { LesionFates } from "./lesion-fates.ts";
import type { LookingPoint } from "./looking.ts";
import type { PretrainingLooking } from "./outcome.ts";

/** What is drawn over epochs of each figure. */
const CHARTS: Readonly<Record<LookingFigure, Pick<CurveChart, "title" | "yTitle" | "yFormat">>> = {
  pointing: { title: "Attention peaks in the lesion (pointing game)", yTitle: "share of images", yFormat: "%" },
  auc: { title: "AUC of attention, the lesion against the rest", yTitle: "AUC" },
  masked: { title: "Masked", yTitle: "share of the lesion's patches", yFormat: "%" },
  thrown: { title: "Thrown away", yTitle: "share of the lesion's patches", yFormat: "%" },
  kept: { title: "Kept", yTitle: "share of the lesion's patches", yFormat: "%" },
  hidden: { title: "Lesion wholly hidden from the encoder", yTitle: "share of draws", yFormat: "%" },
};
const FIGURES = Object.keys(CHARTS) as LookingFigure[];

/** What a report shows of where pre-trainings look; undefined where the data has no masks. */
export function lookingOfReport(looking: readonly PretrainingLooking[]): LookingSection | undefined {
  if (looking.length === 0) return undefined;
  const ofEach = [...Map.groupBy(looking, ({ pretraining }) => pretraining)];
  const trained = ofEach.map(([name, seeds]): LookingRow => {
    const last = seeds.map(({ points }) => points.at(-1) as LookingPoint);
    return { name, epoch: Math.max(...last.map(({ epoch }) => epoch)), seeds: seeds.length, figures: figuresOf(last) };
  });
  const uniform = uniformRows(ofEach);
  return {
    rows: [...trained, ...uniform],
    images: mean(looking.map(({ images }) => images)),
    patches: mean(looking.map(({ patches }) => patches ?? 0)),
    curves: curvesOf(ofEach, uniform),
  };
}

type OfEach = readonly (readonly [name: string, seeds: readonly PretrainingLooking[]])[];

/** One row for pre-trainings in which uniform drawing would do the same; none for those that draw so themselves. */
function uniformRows(ofEach: OfEach): LookingRow[] {
  const guided = ofEach.filter(([, seeds]) => seeds.some(({ guidedFrom }) => guidedFrom !== null));
  const rows = guided.map(([name, seeds]) => {
    const fates = seeds.map(({ uniform }) => ({ pointing: null, auc: null, ...(uniform as LesionFates) }));
    return { name, seeds: seeds.length, figures: figuresOf(fates) };
  });
  const alike = [...Map.groupBy(rows, ({ seeds, figures }) => JSON.stringify([seeds, figures])).values()];
  return alike.map((same) => {
    const { seeds, figures } = same[0] as (typeof same)[number];
    const whose = same.length === ofEach.length ? "" : `, as for ${namesIn(same.map(({ name }) => name))}`;
    return { name: `uniform${whose}`, epoch: null, seeds, figures };
  });
}

/** Short enough for a legend. */
function namesIn(names: readonly string[]): string {
  const more = names.length - 2;
  return more < 2 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${more} more`;
}

function figuresOf(points: readonly Record<LookingFigure, number | null>[]): LookingRow["figures"] {
  const entries = FIGURES.map((figure) => [figure, overSeeds(points.map((point) => point[figure]))]);
  return Object.fromEntries(entries) as LookingRow["figures"];
}

function overSeeds(values: readonly (number | null)[]): SeedsFigure | null {
  const own = values.filter((value) => value !== null);
  if (own.length === 0) return null;
  return { mean: mean(own), std: own.length < 2 ? null : deviation(own) };
}

/** A chart of each figure; none where only the last checkpoints were kept. */
function curvesOf(ofEach: OfEach, uniform: readonly LookingRow[]): CurveChart[] {
  if (ofEach.every(([, seeds]) => seeds.every(({ points }) => points.length < 2))) return [];
  const epochs = ofEach.flatMap(([, seeds]) => seeds.flatMap(({ points }) => points.map(({ epoch }) => epoch)));
  const ends = [Math.min(...epochs), Math.max(...epochs)];
  return FIGURES.map((figure) => {
    const expected = uniform.flatMap(({ name, figures }): CurveSeries[] => {
      const value = figures[figure]?.mean;
      return value === undefined ? [] : [{ name, points: ends.map((epoch) => [epoch, value]) }];
    });
    return {
      ...CHARTS[figure],
      series: [...ofEach.map(([name, seeds]) => seriesOf(figure, name, seeds)), ...expected],
    };
  });
}

/** The mean of the seeds that have an epoch, and each of them where there are several. */
function seriesOf(figure: LookingFigure, name: string, seeds: readonly PretrainingLooking[]): CurveSeries {
  const runs = seeds.map(({ points }) =>
    points.flatMap((point): [number, number][] => (point[figure] === null ? [] : [[point.epoch, point[figure]]])),
  );
  const byEpoch = [...Map.groupBy(runs.flat(), ([epoch]) => epoch)].sort(([a], [b]) => a - b);
  const points = byEpoch.map(([epoch, pairs]): [number, number] => [epoch, mean(pairs.map(([, value]) => value))]);
  return { name, points, ...(runs.length > 1 && { runs }) };
}
