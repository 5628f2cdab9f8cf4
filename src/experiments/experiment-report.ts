import type { CurveChart, LookingSection, ReportFact, ReportInput, SeedsFigure } from "../results/report/index.ts";
import { lookingOfReport } from "./looking-report.ts";
import type { LossComparison } from "./losses.ts";
import type { ArmCurve, ExperimentOutcome } from "./outcome.ts";
import { armsOf, type Plan } from "./plan.ts";

/** What figures of a scale are to be read as. */
const SCALES: Record<Plan["scale"], string> = {
  smoke: "Scale smoke: this shows that everything runs, and nothing about the methods.",
  small: "Scale small: a small model on small images for a short time. The published figures are of other sizes.",
  paper: "Scale paper: the published schedule.",
  own: "A plan of the user's own.",
};

/** The report of an experiment, as far as it is done. */
export function experimentReport(
  plan: Plan,
  outcome: ExperimentOutcome,
  left: readonly string[],
  environment: readonly ReportFact[],
): ReportInput {
  const seeds = outcome.table[0]?.seeds ?? 0;
  const arms = armsOf(plan).map(({ name }) => name);
  return {
    title: plan.title,
    lead: `${outcome.runs.length} of ${arms.length * plan.seeds} runs are evaluated${left.length === 0 ? "" : `; ${left.length} steps are left`}.`,
    summary: arms.map((name) => ({ label: `Training time, ${name}`, value: timeOf(outcome, name) })),
    experiment: {
      rows: outcome.table,
      differences: outcome.differences,
      losses: outcome.losses,
      seeds,
      scale: SCALES[plan.scale],
      curves: [curveOf("epochs", outcome.curves, arms), curveOf("seconds", outcome.curves, arms)],
    },
    looking: lookingOfReport(outcome.looking),
    provenance: {
      seed: 0,
      command: "msmae reproduce --plan plan.yaml --output-dir DIR",
      notes: ["Times are wall times of training alone, on a machine that may have had other work."],
      environment,
    },
  };
}

/** The same as Markdown. */
export function markdownOf(plan: Plan, outcome: ExperimentOutcome, left: readonly string[]): string {
  const { table, differences, losses, looking } = outcome;
  const rows = table.map(
    ({ method, metric, mean, std, low, high, seeds, paper }) =>
      `| ${method} | ${metric} | ${percent(mean)} | ${percent(std)} | ${percent(low)} to ${percent(high)} | ${seeds} | ${percent(paper)} |`,
  );
  const between = differences.flatMap(({ first, second, figures }) =>
    Object.entries(figures).map(
      ([metric, { delta, low, high, p, seedsAbove }]) =>
        `| ${first} − ${second} | ${metric} | ${percent(delta)} | ${percent(low)} to ${percent(high)} | ${p.toFixed(3)} | ${seedsAbove} |`,
    ),
  );
  return [
    `# ${plan.title}`,
    "",
    SCALES[plan.scale],
    ...(left.length === 0 ? [] : ["", `Not finished: ${left.length} steps are left.`]),
    "",
    "| method | figure | mean, % | deviation over seeds | 95 % interval | seeds | published, % |",
    "|---|---|---|---|---|---|---|",
    ...rows,
    "",
    "| difference | figure | points | 95 % interval | p | seeds above |",
    "|---|---|---|---|---|---|",
    ...between,
    "",
    ...lossLines(losses),
    ...lookingLines(lookingOfReport(looking)),
  ].join("\n");
}

const percent = (share: number | null): string => (share === null ? "–" : (100 * share).toFixed(1));

function lossLines(losses: readonly LossComparison[]): string[] {
  if (losses.length === 0) return [];
  return [
    "| training loss | stage | difference | 90 % interval | margin: one deviation of seeds | equal | epochs equal | of the others higher | seeds |",
    "|---|---|---|---|---|---|---|---|---|",
    ...losses.map(({ first, second, stage, difference, low, high, margin, equal, ...counts }) => {
      const { epochs, equalEpochs, higherEpochs, seeds } = counts;
      const [mean, from, to, most] = [difference, low, high, margin].map((value) => value.toFixed(4));
      const interval = `${from} to ${to}`;
      const each = `${equalEpochs} of ${epochs}`;
      return `| ${[`${first} − ${second}`, stage, mean, interval, most, equal ? "yes" : "not shown", each, higherEpochs, seeds].join(" | ")} |`;
    }),
    "",
  ];
}

function lookingLines(looking: LookingSection | undefined): string[] {
  if (looking === undefined) return [];
  const cell = (figure: SeedsFigure | null): string => {
    if (figure === null) return "–";
    return figure.std === null ? percent(figure.mean) : `${percent(figure.mean)} ± ${percent(figure.std)}`;
  };
  return [
    "| pre-training | epochs | seeds | peak in the lesion, % | AUC, % | lesion's patches masked, % | thrown, % | kept, % | lesion wholly hidden, % |",
    "|---|---|---|---|---|---|---|---|---|",
    ...looking.rows.map(({ name, epoch, seeds, figures: { pointing, auc, masked, thrown, kept, hidden } }) => {
      const cells = [pointing, auc, masked, thrown, kept, hidden].map(cell);
      return `| ${[name, epoch ?? "–", seeds, ...cells].join(" | ")} |`;
    }),
    "",
  ];
}

function timeOf({ runs }: ExperimentOutcome, method: string): string {
  const own = runs.filter((run) => run.method === method);
  if (own.length === 0) return "–";
  const mean = (of: (run: (typeof own)[number]) => number): string =>
    `${Math.round(own.reduce((sum, run) => sum + of(run), 0) / own.length)} s`;
  return `${mean(({ seconds }) => seconds.pretraining)} + ${mean(({ seconds }) => seconds.finetuning)}`;
}

/** The validation score, the mean of the seeds that have the epoch. */
function curveOf(by: "epochs" | "seconds", curves: readonly ArmCurve[], arms: readonly string[]): CurveChart {
  const series = arms.map((name) => {
    const points = curves.filter(({ method }) => method === name).flatMap((curve) => curve.points);
    const byEpoch = [...Map.groupBy(points, ({ epoch }) => epoch)].sort(([a], [b]) => a - b);
    return {
      name,
      points: byEpoch.map(([epoch, own]): [number, number] => {
        const mean = (of: (point: (typeof own)[number]) => number) =>
          own.reduce((sum, point) => sum + of(point), 0) / own.length;
        return [by === "epochs" ? epoch : mean(({ seconds }) => seconds), mean(({ score }) => score)];
      }),
    };
  });
  const title = by === "epochs" ? "Validation score over epochs of fine-tuning" : "Over seconds, pre-training included";
  return { title, xTitle: by === "epochs" ? "epoch" : "seconds", yTitle: "accuracy, or IoU", yFormat: "%", series };
}
