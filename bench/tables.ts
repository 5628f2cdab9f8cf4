import type { FlopConvention } from "../src/results/efficiency.ts";
import { median } from "./contestant.ts";
import type { ComparisonRow, EfficiencyRow, PeerTiming, PrecisionRow, SavingRow, Skipped } from "./rows.ts";
import type { Timing } from "./step.ts";

const feedNote =
  "¹ Drawing masks, normalising and gathering patches: made on another thread while the step before runs, not in our times.";

/** Markdown: seconds per step, ours and the peers', how many times faster ours is, and peak memory. */
export function comparisonTable(rows: readonly ComparisonRow[]): string {
  const header = [
    "model",
    "phase",
    "batch",
    "ours",
    "optimiser",
    "feeds ¹",
    "PyTorch eager",
    "PyTorch best",
    "faster than eager",
    "than best",
    "peak memory ours / eager / best",
  ];
  const lines = rows.map(({ model, phase, batch, ours, eager, best }) => [
    model,
    phase,
    String(batch),
    seconds(ours.stepSeconds),
    ours.optimizerSeconds > 0
      ? `${seconds(ours.optimizerSeconds)} (${percent(ours.optimizerSeconds / ours.stepSeconds)})`
      : "–",
    seconds(ours.feedSeconds ?? 0),
    stepSeconds(eager),
    stepSeconds(best),
    factor(eager, ours.stepSeconds),
    factor(best, ours.stepSeconds),
    [ours, eager, best].map(gigabytes).join(" / "),
  ]);
  return table(header, lines, [feedNote, ...skipReasons(rows)]);
}

/** What follows from several rows: masked against full inference, and the map pass against the peer's full forward. */
export function derivedLines(rows: readonly ComparisonRow[]): string[] {
  const of = (model: string, phase: string) => rows.find((row) => row.model === model && row.phase === phase);
  return [...new Set(rows.map(({ model }) => model))].flatMap((model) => {
    const [full, masked, maps] = ["infer-full", "infer-masked", "maps"].map((phase) => of(model, phase));
    const lines: string[] = [];
    if (full && masked) {
      const less = percent(1 - masked.ours.stepSeconds / full.ours.stepSeconds);
      lines.push(`${model}: masked inference takes ${less} less time than full inference.`);
    }
    if (maps && full && "stepSeconds" in full.eager) {
      const times = (full.eager.stepSeconds / maps.ours.stepSeconds).toFixed(2);
      lines.push(`${model}: the map pass is ${times} times as fast as PyTorch eager's full forward pass.`);
    }
    return lines;
  });
}

/** Markdown: seconds per step with and without each saving. */
export function savingsTable(rows: readonly SavingRow[]): string {
  const header = ["saving", "model", "step", "batch", "with", "without", "time saved", "peak memory with / without"];
  const lines = rows.map(({ saves, model, phase, batch, ...row }) => [
    saves,
    model,
    phase,
    String(batch),
    seconds(row.with.stepSeconds),
    seconds(row.without.stepSeconds),
    percent(1 - row.with.stepSeconds / row.without.stepSeconds),
    [row.with, row.without].map(gigabytes).join(" / "),
  ]);
  return table(header, lines, []);
}

/** Markdown: a phase in fp32 and in int8, with the median ratio of neighbouring steps and, in brackets, the least and most. */
export function precisionTable({
  model,
  phase,
  batch,
  threads,
  fp32,
  int8,
  ratios,
  processorSeconds,
}: PrecisionRow): string {
  const header = [
    "model",
    "phase",
    "batch",
    "threads",
    "time",
    "fp32",
    "int8",
    "int8 of fp32",
    "optimiser",
    "peak memory",
  ];
  const spread = (all: readonly number[]) =>
    `${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)})`;
  const both = (of: (timing: Timing) => string) => `${of(fp32)} / ${of(int8)}`;
  const job = [model, phase, String(batch), String(threads)];
  const optimizer = both(({ optimizerSeconds }) => seconds(optimizerSeconds));
  const { wall, processor } = ratios;
  const lines = [
    [...job, "wall", seconds(fp32.stepSeconds), seconds(int8.stepSeconds), spread(wall), optimizer, both(gigabytes)],
    [...job, "processor", seconds(processorSeconds.fp32), seconds(processorSeconds.int8), spread(processor), "", ""],
  ];
  return table(header, lines, []);
}

/** Markdown: a row for each model and work, mae and msmae beside each other with their ratio. */
export function efficiencyTable(rows: readonly EfficiencyRow[]): string {
  const header = [
    ...["model", "work", "batch", "tokens", "a step", "time", "images/s"],
    ...["peak memory", "thop, G", "ratio", "fvcore, G", "ratio"],
  ];
  const pairs = rows.flatMap((row): [EfficiencyRow, EfficiencyRow][] => {
    const other = rows.find(
      ({ method, model, work }) => method === "msmae" && model === row.model && work === row.work,
    );
    return row.method === "mae" && other ? [[row, other]] : [];
  });
  const lines = pairs.map(([mae, msmae]) => {
    const both = (of: (row: EfficiencyRow) => string) => `${of(mae)} / ${of(msmae)}`;
    const of = ({ timing }: EfficiencyRow, told: (timing: EfficiencyTiming) => string) =>
      "skipped" in timing ? "SKIPPED" : told(timing);
    const [all, some] = [mae.timing, msmae.timing];
    const ratio = "skipped" in all || "skipped" in some ? "–" : percent(some.stepSeconds / all.stepSeconds);
    const operations = (convention: FlopConvention) => [
      both(({ multiplyAdds }) => (multiplyAdds[convention] / 1e9).toFixed(3)),
      percent(msmae.multiplyAdds[convention] / mae.multiplyAdds[convention]),
    ];
    return [
      ...[mae.model, mae.work, String(mae.batch), both(({ tokens }) => String(tokens))],
      both((row) => of(row, ({ stepSeconds }) => seconds(stepSeconds))),
      ratio,
      both((row) => of(row, ({ imagesPerSecond }) => rate(imagesPerSecond))),
      both(({ timing }) => gigabytes(timing)),
      ...operations("thop"),
      ...operations("fvcore"),
    ];
  });
  const skipped = rows.flatMap(({ model, work, timing }) =>
    "skipped" in timing ? [`SKIPPED: ${model}, ${work}: ${timing.skipped}`] : [],
  );
  const note =
    "mae / msmae, and msmae of mae. Operations are multiply-adds of one image's forward pass, under both conventions.";
  return table(header, lines, [note, ...new Set(skipped)]);
}

type EfficiencyTiming = Exclude<EfficiencyRow["timing"], Skipped>;

function table(header: readonly string[], lines: readonly (readonly string[])[], notes: readonly string[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = `|${header.map(() => "---|").join("")}`;
  return [row(header), rule, ...lines.map(row), "", ...notes].join("\n");
}

function skipReasons(rows: readonly ComparisonRow[]): Set<string> {
  const reasons = rows
    .flatMap(({ eager, best }) => [eager, best])
    .flatMap((peer) => ("skipped" in peer ? [peer.skipped] : []));
  return new Set(reasons.map((reason) => `SKIPPED: ${reason}`));
}

const seconds = (value: number): string => `${value.toPrecision(3)} s`;
const rate = (value: number): string => (value < 100 ? value.toPrecision(3) : value.toFixed(0));
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const stepSeconds = (peer: PeerTiming): string => ("skipped" in peer ? "SKIPPED" : seconds(peer.stepSeconds));
const factor = (peer: PeerTiming, ours: number): string =>
  "skipped" in peer ? "–" : `${(peer.stepSeconds / ours).toFixed(2)}×`;
const gigabytes = (timing: PeerTiming): string =>
  "skipped" in timing ? "–" : `${(timing.peakRssBytes / 1e9).toFixed(2)} GB`;
