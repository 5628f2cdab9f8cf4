import type { EvalOptions } from "../../config/index.ts";
import type { Sample } from "../../data/dataset.ts";
import { ImageLoader } from "../../data/loader/loader.ts";
import type { Graph } from "../../engine/graph/graph.ts";
import { floatsOf } from "../../engine/runtime/program.ts";
import type { FlopConvention } from "../../results/efficiency.ts";
import { graphMultiplyAdds } from "../../results/graph-multiply-adds.ts";
import { classificationIntervals, compareClassifiers } from "../../results/metrics/index.ts";
import type { BudgetPoint } from "../../results/report/index.ts";
import type { RunHooks } from "../../support/events.ts";
import { assessModel } from "../assess-model.ts";
import type { Classification } from "../outcomes/classes.ts";
import type { Outcome } from "../outcomes/outcome.ts";
import { type Forward, forwardOf, type ModelSession, readingOf } from "../session.ts";
import { secondsInTurn, secondsOf } from "../timing.ts";

/** Images of the batch that is timed, at most: the graphs of all shares are in memory at once. */
const TIMED_BATCH = 16;
const RUNS = 7;

/** A share of the patches, with what the model says on it. */
interface Share {
  keepRatio: number;
  forward: Forward;
  tokens: number;
  result: Classification;
}

/**
 * How well and how fast a classifier is on shares of the patches and on all: a pass over the images for each, and then the model's
 * run alone on a batch of them, in turn, with nothing being read meanwhile. Of shares that come to the same number of
 * patches one is told.
 *
 * @param result what it says as the other figures have it, at `options.keepRatio`.
 * @throws MsmaeError as `assessModel` does.
 */
export async function budgetCurve(
  told: { model: ModelSession; outcome: Outcome },
  result: Classification,
  samples: readonly Sample[],
  options: EvalOptions,
  hooks: RunHooks,
): Promise<BudgetPoint[]> {
  const { kind, description } = told.model;
  const batch = Math.min(TIMED_BATCH, samples.length);
  const shares: Share[] = [];
  for (const share of [...new Set([...(options.budgetCurve ?? []), 1])].sort((a, b) => a - b)) {
    // On all patches it runs as a classifier without a budget.
    const keepRatio = share === 1 ? undefined : share;
    const budgeted = kind.budgeted?.(description.config, { batch, keepRatio: share });
    const tokens = 1 + (budgeted?.kept ?? 0);
    if (shares.at(-1)?.tokens === tokens) {
      if (share < 1) continue;
      shares.pop();
    }
    const name = `evaluation on ${Number((100 * share).toFixed(1))} % of the patches`;
    const assessed = { ...options, keepRatio, name };
    const asked = keepRatio === options.keepRatio;
    const said = asked ? result : (await assessModel(told.model, told.outcome, samples, assessed, hooks)).result;
    const forward = forwardOf(kind, description.config, { batchSize: batch, keepRatio });
    shares.push({ keepRatio: share, forward, tokens, result: said as Classification });
  }
  const seconds = await timed(told.model, shares, { samples, batch, options }, hooks);
  const all = shares.at(-1) as Share;
  return shares.map((share, i) => ({
    ...figuresOf(share, all, told.model),
    secondsPerImage: (seconds[i] as number) / batch,
    timing: { batch, runs: RUNS },
    flops: {
      thop: operations(share, "thop") / operations(all, "thop"),
      fvcore: operations(share, "fvcore") / operations(all, "fvcore"),
    },
  }));
}

function figuresOf({ keepRatio, tokens, result }: Share, all: Share, { description }: ModelSession) {
  const { classNames, seed } = description;
  const { probabilities, labels, groups } = result;
  const drawing = { labels, groups, classNames, seed };
  const { accuracy, aucMacro } = classificationIntervals({ ...drawing, probabilities }).figures;
  const figures = { keepRatio, tokens, accuracy, aucMacro };
  if (tokens === all.tokens) return figures;
  const models = [
    { name: "share", probabilities },
    { name: "all", probabilities: all.result.probabilities },
  ];
  const difference = compareClassifiers({ ...drawing, models }).pairs[0]?.differences;
  return difference
    ? { ...figures, difference: { accuracy: difference.accuracy, aucMacro: difference.aucMacro } }
    : figures;
}

function operations({ forward: { graph, rest } }: Share, convention: FlopConvention): number {
  const of = (part: Graph | undefined) => (part ? graphMultiplyAdds(part, convention) : 0);
  return of(graph) + of(rest?.graph);
}

/** Median seconds of a batch's run on each share. */
async function timed(
  { engine, feeds, description }: ModelSession,
  shares: readonly Share[],
  { samples, batch, options }: { samples: readonly Sample[]; batch: number; options: EvalOptions },
  hooks: RunHooks,
): Promise<number[]> {
  const images = await firstImages(description, samples.slice(0, batch), options);
  const graphs = shares.flatMap(({ forward: { graph, rest } }) => (rest ? [graph, rest.graph] : [graph]));
  const loaded: string[] = [];
  try {
    for (const graph of graphs) {
      await engine.load(graph);
      loaded.push(graph.name);
    }
    const runs = shares.map(({ forward: { graph, rest } }) => () => {
      const fed = feeds.whole(images, batch);
      return secondsOf(async () => {
        const outputs = floatsOf(await engine.run(graph.name, fed));
        if (rest) await engine.run(rest.graph.name, rest.feedsOf(outputs));
      });
    });
    return await secondsInTurn(runs, RUNS, hooks);
  } finally {
    for (const name of loaded) await engine.unload(name);
  }
}

/** uint8 [at most samples, H, W, C]: those of them that can be read. */
async function firstImages(
  description: ModelSession["description"],
  samples: readonly Sample[],
  options: EvalOptions,
): Promise<Uint8Array> {
  const { inputHeight, inputWidth, inChans } = description.config;
  const size = { inputHeight, inputWidth, channels: inChans as 1 | 3 };
  const reading = readingOf(description, options);
  await using loader = new ImageLoader(samples, {
    ...size,
    workers: options.workers,
    strict: false,
    cacheMb: 0,
    reading,
  });
  for await (const batch of loader.inOrder({ batchSize: samples.length })) {
    const images = batch.images.slice();
    batch.release();
    return images;
  }
  return new Uint8Array();
}
