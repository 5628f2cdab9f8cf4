import type { ErrorParts } from "../support/errors.ts";
import type { Check } from "./verb.ts";

/** Epochs, up to the next stage, that run on one share of the patches. */
export interface KeepStage {
  /** The first of them, from 0. */
  from: number;
  /** Of all patches, above 0 and at most 1. */
  share: number;
}

interface Point {
  at: number;
  unit: "epoch" | "percent";
  share: number;
}

/** How the share of patches that fine-tuning runs on changes; all that it says beyond the ratios. */
type KeepSchedule = "constant" | "linear" | "cosine" | readonly Point[];

/** How many shares a named schedule takes: each costs the making of one graph, and no epoch needs a finer step. */
const STAGES = 4;

/** How far the whole way from the first share to all patches has gone, after a part in [0, 1] of the stages. */
const RISE = {
  linear: (part: number) => part,
  cosine: (part: number) => (1 - Math.cos(Math.PI * part)) / 2,
} as const;

/** What masks of what does not run, where only a share is told. Source: the paper's 0.45 masked to 0.30 thrown. */
const MASKED_OF_HIDDEN = 0.6;

/** Shares are compared to this, since 1 − 0.45 − 0.3 is not always 0.25. */
const SAME_SHARE = 1e-9;

export const KEEP_SCHEDULE_EXPECTED =
  "constant, linear, cosine, or shares and the epoch or per cent of the epochs from which each holds, such as 0:0.25,60%:0.5,85%:1";

/** Reads a schedule; undefined for a text that is none. */
function readSchedule(text: string): KeepSchedule | undefined {
  if (text === "constant" || text === "linear" || text === "cosine") return text;
  const points = text.split(",").map((part): Point | undefined => {
    const [, at, percent, share] = /^\s*(\d+(?:\.\d+)?)(%?)\s*:\s*(\d*\.?\d+)\s*$/.exec(part) ?? [];
    if (at === undefined || share === undefined) return undefined;
    return { at: Number(at), unit: percent === "%" ? "percent" : "epoch", share: Number(share) };
  });
  return points.every((point) => point !== undefined) ? points : undefined;
}

/** The first epoch of a point. A part of an epoch belongs to the whole one, so that no per cent below 100 is past the end. */
function epochOf({ at, unit }: Point, epochs: number): number {
  return unit === "epoch" ? at : Math.floor((at * epochs) / 100);
}

/** What patches of an image a run of fine-tuning has, over its epochs. */
export interface KeepOptions {
  epochs: number;
  maskRatio: number;
  throwRatio: number;
  fullTokenEpochs: number;
  keepSchedule?: string | undefined;
}

/** The stages of a run, in their order, of which the first begins at epoch 0. Options are taken as checked. */
export function keepStages(options: KeepOptions): KeepStage[] {
  const { epochs, maskRatio, throwRatio, fullTokenEpochs } = options;
  const schedule = readSchedule(options.keepSchedule ?? "constant") ?? "constant";
  const first = 1 - maskRatio - throwRatio;
  if (typeof schedule === "object") {
    return distinct(schedule.map((point) => ({ from: epochOf(point, epochs), share: point.share })));
  }
  if (schedule === "constant") {
    return distinct([
      { from: 0, share: first },
      ...(fullTokenEpochs > 0 ? [{ from: epochs - fullTokenEpochs, share: 1 }] : []),
    ]);
  }
  return distinct(
    Array.from({ length: STAGES }, (_, i) => ({
      // The last epoch is at the end of the way, so that even a run of one epoch ends on all patches.
      from: Math.ceil((i * (epochs - 1)) / STAGES),
      share: first + (1 - first) * RISE[schedule](i / (STAGES - 1)),
    })),
  );
}

/** Of stages that begin with the same epoch, the last. */
function distinct(stages: readonly KeepStage[]): KeepStage[] {
  return stages.filter(({ from }, i) => from !== stages[i + 1]?.from);
}

/** The stage that an epoch belongs to. */
export function stageAt(stages: readonly KeepStage[], epoch: number): KeepStage {
  return stages.findLast(({ from }) => from <= epoch) as KeepStage;
}

type Open = Partial<Omit<KeepOptions, "keepSchedule">> & { keepSchedule?: string };

/** Fills in the ratios that a schedule's first share leaves: masked to thrown as in the paper, where neither is given. */
export function completeKeepSchedule(options: Open): void {
  // One way to say so, for a run that goes on.
  if (options.keepSchedule === "constant") delete options.keepSchedule;
  const schedule = readSchedule(options.keepSchedule ?? "constant");
  if (typeof schedule !== "object") return;
  const hidden = 1 - (schedule[0]?.share ?? 1);
  const { throwRatio } = options;
  const ratio = (value: number) => Math.max(0, Number(value.toPrecision(12)));
  options.maskRatio ??= ratio(throwRatio === undefined ? hidden * MASKED_OF_HIDDEN : hidden - throwRatio);
  options.throwRatio ??= ratio(hidden - options.maskRatio);
}

/** A schedule rises to all patches within the run, from the share that the ratios leave, and is the only one. */
export const checkKeepSchedule: Check<Open> = (options) => {
  const { keepSchedule, fullTokenEpochs, maskRatio = 0, throwRatio = 0, epochs } = options;
  if (keepSchedule === undefined) return [];
  const problem = (expected: string, got: string, todo: string): ErrorParts => ({
    ...{ where: "keepSchedule", expected, got, todo },
  });
  const schedule = readSchedule(keepSchedule);
  if (schedule === undefined) {
    return [problem(KEEP_SCHEDULE_EXPECTED, JSON.stringify(keepSchedule), "write it like one of them")];
  }
  const problems: ErrorParts[] = [];
  if (fullTokenEpochs !== undefined && fullTokenEpochs > 0) {
    const got = `${JSON.stringify(keepSchedule)} beside --full-token-epochs ${fullTokenEpochs}`;
    problems.push(problem("one of both, since a schedule ends on all patches itself", got, "leave out one of them"));
  }
  const kept = 1 - maskRatio - throwRatio;
  if (typeof schedule === "string") {
    if (kept < 1) return problems;
    const got = `--mask-ratio ${maskRatio} and --throw-ratio ${throwRatio}, which run on all patches from the start`;
    return [
      ...problems,
      problem("patches that are masked or thrown at first", got, "raise one of them, or leave it out"),
    ];
  }
  return [...problems, ...pointProblems(schedule, { kept, maskRatio, throwRatio, epochs }, problem)];
};

function pointProblems(
  points: readonly Point[],
  { kept, maskRatio, throwRatio, epochs }: { kept: number; maskRatio: number; throwRatio: number; epochs?: number },
  problem: (expected: string, got: string, todo: string) => ErrorParts,
): ErrorParts[] {
  const problems: ErrorParts[] = [];
  const shares = points.map(({ share }) => share);
  const wrong = shares.find((share, i) => share <= 0 || share > 1 || share < (shares[i - 1] ?? 0));
  if (wrong !== undefined || shares.at(-1) !== 1) {
    const todo = "end it with 1; to stay below throughout, use --mask-ratio and --throw-ratio";
    problems.push(problem("shares above 0 that rise, the last of them 1", shares.join(", "), todo));
  } else if (Math.abs((shares[0] as number) - kept) > SAME_SHARE) {
    const expected = `the first share to be the ${Number(kept.toPrecision(6))} that --mask-ratio ${maskRatio} and --throw-ratio ${throwRatio} keep`;
    problems.push(problem(expected, String(shares[0]), "leave out one or both ratios to have them follow"));
  }
  const wholes = points.filter(({ at, unit }) => unit === "epoch" && !Number.isInteger(at));
  const percents = points.filter(({ at, unit }) => unit === "percent" && at >= 100);
  if (points[0]?.at !== 0 || wholes.length > 0 || percents.length > 0) {
    const got = points.map(({ at, unit }) => `${at}${unit === "percent" ? "%" : ""}`).join(", ");
    problems.push(problem("a start at 0, then whole epochs or per cent below 100", got, "correct them"));
  } else if (epochs !== undefined) {
    const starts = points.map((point) => epochOf(point, epochs));
    if (starts.some((start, i) => start >= epochs || start < (starts[i - 1] ?? 0))) {
      const expected = `stages one after the other within the ${epochs} epochs`;
      problems.push(problem(expected, `starts at epochs ${starts.join(", ")}`, "move them, or say them in per cent"));
    }
  }
  return problems;
}
