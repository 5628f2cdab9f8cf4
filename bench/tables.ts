import type { FlopConvention } from "../src/results/efficiency.ts";
import { median, type Skipped } from "./contestant.ts";
import type { Phase } from "./phases.ts";
import {
  type Bar,
  type ComparedPair,
  type ComparisonRow,
  type Contender,
  type DeviceRow,
  type EfficiencyRow,
  type EpochRow,
  type GuardRow,
  type PeerTiming,
  type PrecisionRow,
  type RecomputeRow,
  type RecomputeWay,
  recomputeWays,
  type SavingRow,
  type Spent,
  type Stages,
} from "./rows.ts";

const feedNote =
  "¹ Drawing masks, normalising and gathering patches: made on another thread while the step before runs, not in our times.";
const ratioNote =
  "² Of neighbouring steps, the median: wall time, and in brackets processor time of all threads, which other load disturbs less.";

/** Markdown: seconds per step, ours and the peers', ratios of ours to theirs, and peak memory. */
export function comparisonTable(rows: readonly ComparisonRow[]): string {
  const withBf16 = rows.some(({ timings }) => timings.bf16 !== undefined);
  const header = [
    ...["model", "phase", "batch", "ours", "in int8", "all in int8", "optimiser", "feeds ¹", "PyTorch eager", "best"],
    ...(withBf16 ? ["in bf16"] : []),
    ...["ours of eager ²", "ours of best", "int8 of eager", "int8 of best", "all int8 of eager"],
    ...(withBf16 ? ["all int8 of bf16"] : []),
    "peak memory ours / int8 / all int8 / eager / best",
  ];
  const lines = rows.map(({ model, phase, batch, timings, ratios }) => {
    const { ours, int8, "int8-all": allInt8, eager, best, bf16 } = timings;
    const share = (pair: ComparedPair) => {
      const ratio = ratios[pair];
      return ratio ? `${ratio.wall.toFixed(2)} (${ratio.processor.toFixed(2)})` : "–";
    };
    return [
      ...[
        model,
        phase,
        String(batch),
        stepTime(ours),
        stepTime(int8),
        stepTime(allInt8),
        ...partsOf(ours),
        stepTime(eager),
        stepTime(best),
      ],
      ...(withBf16 ? [stepTime(bf16)] : []),
      ...(["ours/eager", "ours/best", "int8/eager", "int8/best", "int8-all/eager"] as const).map(share),
      ...(withBf16 ? [share("int8-all/bf16")] : []),
      [ours, int8, allInt8, eager, best].map(gigabytes).join(" / "),
    ];
  });
  return table(header, lines, [feedNote, ratioNote, ...skipReasons(rows)]);
}

/** Seconds of the optimiser, and of the feeds. */
function partsOf(timing: PeerTiming | undefined): [string, string] {
  if (!timing || "skipped" in timing) return ["–", "–"];
  const { optimizerSeconds, stepSeconds, feedSeconds = 0 } = timing;
  const optimizer = `${seconds(optimizerSeconds)} (${percent(optimizerSeconds / stepSeconds)})`;
  return [optimizerSeconds > 0 ? optimizer : "–", seconds(feedSeconds)];
}

/** What follows from several rows: masked against full inference, and the map pass against the peer's full forward. */
export function derivedLines(rows: readonly ComparisonRow[]): string[] {
  const stepOf = (model: string, phase: Phase, contender: Contender) => {
    const timing = rows.find((row) => row.model === model && row.phase === phase)?.timings[contender];
    return timing && "stepSeconds" in timing ? timing.stepSeconds : undefined;
  };
  return [...new Set(rows.map(({ model }) => model))].flatMap((model) => {
    const full = stepOf(model, "infer-full", "ours");
    const masked = stepOf(model, "infer-masked", "ours");
    const maps = stepOf(model, "maps", "ours");
    const eager = stepOf(model, "infer-full", "eager");
    const lines: string[] = [];
    if (full && masked) {
      lines.push(`${model}: masked inference takes ${percent(1 - masked / full)} less time than full inference.`);
    }
    if (maps && eager) {
      const times = (eager / maps).toFixed(2);
      lines.push(`${model}: the map pass is ${times} times as fast as PyTorch eager's full forward pass.`);
    }
    return lines;
  });
}

/** Markdown: each guarded ratio, what it was when it was accepted, and what it is. */
export function guardTable(rows: readonly GuardRow[]): string {
  const header = ["step", "processor time: bar", "now", "peak memory: bar", "now", ""];
  const ratio = (bar: Bar | null | undefined, figure: "processor" | "memory") => bar?.[figure].toFixed(2) ?? "–";
  const lines = rows.map(({ name, bar, now, lost }) => [
    ...[name, ratio(bar, "processor"), ratio(now, "processor"), ratio(bar, "memory"), ratio(now, "memory")],
    lost.length > 0 ? `LOST: ${lost.join(" and ")}` : "",
  ]);
  return table(header, lines, []);
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

/**
 * Markdown: a phase in each precision, with the median ratio to fp32 of neighbouring steps and, in brackets, the least and most.
 */
export function precisionTable(rows: readonly PrecisionRow[]): string {
  const header = [
    ...["model", "phase", "batch", "threads", "precision", "wall time", "of fp32", "processor time", "of fp32"],
    ...["optimiser", "peak memory", "of fp32"],
  ];
  const spread = (all: readonly number[]) =>
    `${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)})`;
  const inFp32 = rows.find(({ precision }) => precision === "fp32")?.timing.peakRssBytes ?? Number.NaN;
  const lines = rows.map(({ model, phase, batch, threads, precision, timing, ratios: { wall, processor } }) => [
    ...[model, phase, String(batch), String(threads), precision],
    ...[seconds(timing.stepSeconds), spread(wall), seconds(timing.processorSeconds), spread(processor)],
    ...[seconds(timing.optimizerSeconds), gigabytes(timing), (timing.peakRssBytes / inFp32).toFixed(2)],
  ]);
  return table(header, lines, []);
}

/** Markdown: a phase with blocks kept and computed anew, ours and PyTorch's, and what each takes of PyTorch's with blocks kept. */
export function recomputeTable({ model, phase, batch, threads, precision, timings }: RecomputeRow): string {
  const header = [
    ...["model", "phase", "batch", "threads", "precision", "blocks", "wall time", "processor time", "peak memory"],
    ...["processor time of PyTorch's", "memory of it"],
  ];
  const job = [model, phase, String(batch), String(threads)];
  const reference = timings["kept, PyTorch eager"];
  const of = (timing: PeerTiming, figure: "processorSeconds" | "peakRssBytes") =>
    !reference || "skipped" in reference || "skipped" in timing ? "–" : (timing[figure] / reference[figure]).toFixed(2);
  const lines = (Object.entries(timings) as [RecomputeWay, PeerTiming][]).map(([blocks, timing]) => [
    ...[...job, recomputeWays[blocks].ours ? (precision ?? "fp32") : "fp32", blocks, stepTime(timing)],
    ...["skipped" in timing ? "–" : seconds(timing.processorSeconds), gigabytes(timing)],
    ...[of(timing, "processorSeconds"), of(timing, "peakRssBytes")],
  ]);
  const skipped = Object.values(timings).flatMap((timing) =>
    "skipped" in timing ? [`SKIPPED: ${timing.skipped}`] : [],
  );
  return table(header, lines, skipped);
}

/** Markdown: who steps how fast on a graphics card, how many images a second that is, and what it holds of the card. */
export function deviceTable({ model, phase, batch, device, timings }: DeviceRow): string {
  const header = ["model", "phase", "batch", "device", "who", "a step", "images/s", "of ours in fp32", "card's memory"];
  const ours = timings["ours, fp32"];
  const lines = Object.entries(timings).map(([who, timing]) => {
    const job = [model, phase, String(batch), who.startsWith("ours") ? String(device) : "cuda", who, stepTime(timing)];
    if ("skipped" in timing) return [...job, "–", "–", "–"];
    const { stepSeconds, cardBytes } = timing;
    const share = ours && "stepSeconds" in ours ? (stepSeconds / ours.stepSeconds).toFixed(2) : "–";
    return [...job, rate(batch / stepSeconds), share, cardBytes === null ? "–" : `${(cardBytes / 1e9).toFixed(2)} GB`];
  });
  const skipped = Object.entries(timings).flatMap(([who, timing]) =>
    "skipped" in timing ? [`${who} SKIPPED: ${timing.skipped}`] : [],
  );
  return table(header, lines, skipped);
}

/** How often the published recipe makes the maps anew, in epochs. */
const MAP_INTERVAL = 20;

/** Markdown: a row for each way to run an epoch: its stages, all of it with its share of the maps, and the ratios to the last way. */
export function epochTable({ runs, images, evaluated }: EpochRow): string {
  const header = [
    ...["", `maps of ${images} images`, `training on ${images}`, `evaluation of ${evaluated}`, "saving"],
    ...["an epoch of 20", "of PyTorch's"],
  ];
  const skipped = Object.entries(runs).flatMap(([name, run]) =>
    "skipped" in run ? [`${name} SKIPPED: ${run.skipped}`] : [],
  );
  const timed = Object.entries(runs).flatMap(([name, run]) => ("skipped" in run ? [] : [{ name, ...lastEpoch(run) }]));
  const peer = timed.find(({ name }) => name.startsWith("PyTorch"));
  const told = ([wall, processor]: Spent) => `${seconds(wall)} (${seconds(processor)})`;
  const lines = timed.map(({ name, stages, whole }) => {
    const ratios = peer && whole.map((time, i) => (time / (peer.whole[i] as number)).toFixed(2));
    return [name, ...stages.map(told), told(whole), ratios ? `${ratios[0]} (${ratios[1]})` : "–"];
  });
  return table(header, lines, ["Wall time, and in brackets processor time of all threads.", ...skipped]);
}

/** The stages of the last epoch, and their sum with the maps' share; saving of the first, since the last one writes more. */
function lastEpoch({ maps, training, evaluation, saving }: Stages): { stages: Spent[]; whole: Spent } {
  const epoch = [training.at(-1), evaluation.at(-1), saving[0]] as Spent[];
  const sum = (i: 0 | 1) => epoch.reduce((total, stage) => total + stage[i], maps[i] / MAP_INTERVAL);
  return { stages: [maps, ...epoch], whole: [sum(0), sum(1)] };
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

/** A table in Markdown, with notes below it. */
export function table(
  header: readonly string[],
  lines: readonly (readonly string[])[],
  notes: readonly string[] = [],
): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = `|${header.map(() => "---|").join("")}`;
  return [row(header), rule, ...lines.map(row), "", ...notes].join("\n");
}

function skipReasons(rows: readonly ComparisonRow[]): Set<string> {
  const reasons = rows
    .flatMap(({ timings }) => Object.values(timings))
    .flatMap((timing) => ("skipped" in timing ? [timing.skipped] : []));
  return new Set(reasons.map((reason) => `SKIPPED: ${reason}`));
}

const seconds = (value: number): string => `${value.toPrecision(3)} s`;
const rate = (value: number): string => (value < 100 ? value.toPrecision(3) : value.toFixed(0));
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const stepTime = (timing: PeerTiming | undefined): string => {
  if (!timing) return "–";
  return "skipped" in timing ? "SKIPPED" : seconds(timing.stepSeconds);
};
const gigabytes = (timing: PeerTiming | undefined): string =>
  !timing || "skipped" in timing ? "–" : `${(timing.peakRssBytes / 1e9).toFixed(2)} GB`;
