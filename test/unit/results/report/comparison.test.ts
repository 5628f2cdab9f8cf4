import { describe, expect, test, vi } from "vitest";
import {
  classificationIntervals,
  classificationMetrics,
  classifierDifferences,
  compareClassifiers,
  OVERALL_FIGURES,
} from "../../../../src/results/metrics/index.ts";
import { type ComparisonSection, renderReport } from "../../../../src/results/report/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const classNames = ["benign", "malignant & worse"];
const random = RandomStream.for(10, "evaluation");
const labels = Array.from({ length: 80 }, (_, at) => at % 2);

function answers(name: string, skill: number) {
  const scores = labels.map((label) => 1 / (1 + Math.exp(-(random.normal() + skill * (label === 1 ? 1 : -1)))));
  return { name, probabilities: scores.flatMap((score) => [1 - score, score]) };
}

/** As the verb makes it of classifiers. */
function example(models: { name: string; probabilities: number[] }[], groups?: string[]): ComparisonSection {
  const compared = compareClassifiers({ models, labels, classNames, groups, seed: 1, resamples: 200 });
  const own = models.map(({ probabilities }) => {
    const input = { probabilities, labels, classNames, groups, seed: 1, resamples: 200 };
    return { ...classificationMetrics(input), intervals: classificationIntervals(input).figures };
  });
  return {
    split: "test",
    n: labels.length,
    models: models.map(({ name }) => name),
    figures: OVERALL_FIGURES.map((metric) => ({ metric, estimates: own.map(({ intervals }) => intervals[metric]) })),
    main: "accuracy",
    each: "Class",
    ofClasses: ["auc", "sensitivity"],
    differences: classifierDifferences(compared),
    resampling: compared.resampling,
    discordant: compared.pairs.map(({ mcnemar }) => mcnemar),
    roc: classNames.map((name, k) => ({
      class: name,
      curves: own.map(({ roc, perClass }) => ({ curve: roc[k]?.curve ?? null, auc: perClass[k]?.auc ?? null })),
    })),
  };
}

/** The texts of the cells of the row that begins with `name`, in the table of that caption. */
function row(page: string, caption: string, name: string): string[] {
  const [, table = ""] = new RegExp(`<p class="note caption">${caption}</p>(.*?)</table>`, "s").exec(page) ?? [];
  const [, cells = ""] = new RegExp(`<tr><th scope="row">${name}</th>(.*?)</tr>`, "s").exec(table) ?? [];
  return [...cells.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, text]) => text as string);
}

/** A value above its interval. */
function stacked(value: string, low: string, high: string): string {
  return `${value}<br><small class="spread">(${low} to ${high})</small>`;
}

const good = answers("good", 1.6);
const poor = answers("po<or>", 0.2);

describe("two models", async () => {
  const section = example([good, poor]);
  const warn = vi.spyOn(console, "warn");
  const page = await renderReport({ title: "two", comparison: section });
  const warned = warn.mock.calls.length;
  warn.mockRestore();
  const difference = (metric: string, of?: string) =>
    section.differences.find((one) => one.metric === metric && one.class === of);

  test("are set side by side, with the difference, its interval and its test", () => {
    const [first, second] = section.figures[0]?.estimates ?? [];
    const percent = (value: number | null | undefined) => (100 * (value as number)).toFixed(1);
    const { low, high, p } = difference("accuracy") ?? {};
    expect(row(page, "good less po&#60;or&#62;, over all", "Accuracy, %")).toEqual([
      percent(first?.value),
      percent(second?.value),
      stacked(`+${percent(difference("accuracy")?.delta)}`, `+${percent(low)}`, `+${percent(high)}`),
      (p as number) < 0.001 ? "&#60; 0.001" : (p as number).toFixed(3),
      "McNemar",
    ]);
    expect(row(page, "Values with their 95 % intervals", "Accuracy, %")).toEqual(
      [first, second].map((one) => stacked(percent(one?.value), percent(one?.low), percent(one?.high))),
    );
    // A loss that is lower has a difference below 0.
    expect(row(page, "good less po&#60;or&#62;, over all", "Log-loss \\(low is best\\)")[2]).toMatch(
      /^−0\.\d{3}<br>.*\(−/,
    );
    const auc = difference("auc", classNames[1])?.delta as number;
    const cells = row(page, "good less po&#60;or&#62;, by class, with 95 % intervals", "malignant &#38; worse");
    expect(cells[0]).toContain(`+${auc.toFixed(3)}<br>`);
  });

  test("are told apart in words, with the images that speak for either", () => {
    const { firstOnly, secondOnly } = section.discordant?.[0] ?? {};
    expect(page).toContain("good is better: were both equally good");
    expect(page).toContain(`good alone is right on ${firstOnly} images, po&#60;or&#62; alone on ${secondOnly}.`);
    expect(page).toContain(
      `<div class="tile"><b>${(100 * (section.figures[0]?.estimates[0]?.value as number)).toFixed(1)} %</b>`,
    );
  });

  test("have their differences drawn, and one curve of two that mirror each other", () => {
    expect(page.match(/aria-label="good less po&#60;or&#62;: right of 0 good is better"/g)).toHaveLength(1);
    expect(page.match(/aria-label="ROC curves: /g)).toHaveLength(1);
    expect(page).not.toMatch(/<script|undefined|NaN/);
    // Vega tells the console of what it takes for odd; a library prints nothing.
    expect(warned).toBe(0);
  });
});

test("what cases do not tell apart is not called alike", async () => {
  const page = await renderReport({ title: "same", comparison: example([good, { ...good, name: "twin" }]) });
  expect(page).toContain("These cases do not tell the two apart; that is not to say that they are alike");
  expect(row(page, "good less twin, over all", "Accuracy, %").slice(2, 4)).toEqual([
    stacked("0.0", "0.0", "0.0"),
    "1.000",
  ]);
});

test("three models are corrected for, and patients drawn", async () => {
  const groups = labels.map((_, at) => `patient ${at % 20}`);
  const section = example([good, poor, answers("fair", 0.8)], groups);
  const page = await renderReport({ title: "three", comparison: section });
  expect(page.match(/less/g)?.length).toBeGreaterThan(3);
  expect(row(page, "good less fair, over all", "Macro AUC")).toHaveLength(6);
  expect(page).toContain("the 20 patients, lesions or files");
  expect(page).toContain("all tests are by the bootstrap that draws patients");
  expect(page).toContain(" corrected). ");
});
