import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { CompareInput } from "../../../src/config/index.ts";
import { type Comparison, compare } from "../../../src/inference/comparison/compare.ts";
import { evaluate } from "../../../src/inference/evaluate.ts";
import { compareClassifiers } from "../../../src/results/metrics/index.ts";
import type { RunEvent } from "../../../src/support/events.ts";
import { run } from "../../cli/fakes.ts";
import { classifier, writeMicroModel } from "../micro-models.ts";
import { at, checkpoints, cut, msmae } from "./scene.ts";

const { classNames } = classifier;
/** The same classes in another order. */
const turned = [...classNames].reverse();
const first = at("first", "last.safetensors");
const other = at("other", "best.safetensors");
const given = (): CompareInput => ({
  ...{ checkpoints: [first, other], dataPath: at("data"), threads: 1, workers: 1, batchSize: 4 },
});

beforeAll(async () => {
  for (const name of ["first", "other", "more"]) mkdirSync(at(name));
  copyFileSync(checkpoints.classifier, first);
  await writeMicroModel(other, { ...classifier, classNames: turned, seed: 12 });
});

/** Rows of a table by the names of its columns. */
function csv(path: string): Record<string, string>[] {
  const [head = [], ...lines] = readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.replaceAll('"', "").split(/,(?! )/));
  return lines.map((line) => Object.fromEntries(head.map((name, i) => [name, line[i] as string])));
}

describe("compare", () => {
  let result: Comparison;
  let rows: Record<string, string>[];
  const names = ["first", "other"];

  beforeAll(() => {
    writeFileSync(at("data", "test", "glioma", "cut.png"), readFileSync(cut));
    const argv = ["compare", first, other, "--data-path", at("data"), "--output-dir", at("compared")];
    const { code, lines, stderr } = msmae(...argv, "--batch-size", "4");
    rmSync(at("data", "test", "glioma", "cut.png"));
    expect({ code, error: code === 0 ? "" : stderr }).toEqual({ code: 0, error: "" });
    result = lines[0] as unknown as Comparison;
    rows = csv(at("compared", "predictions.csv"));
  });

  test("tells each model's figures as eval does, an image that cannot be read counting for none", async () => {
    expect(result).toMatchObject({ n: 9, unreadable: 1, split: "test", tells: "classes", names: classNames });
    expect(result.models.map(({ name, checkpoint }) => [name, checkpoint])).toEqual([
      [names[0], "last.safetensors"],
      [names[1], "best.safetensors"],
    ]);
    const how = { dataPath: at("data"), threads: 1, workers: 1, batchSize: 4, report: true } as const;
    const alone = await evaluate({ ...how, checkpoint: first });
    const { accuracy, confusion, intervals, intervalsPerClass } = alone;
    expect(result.models[0]).toMatchObject({ accuracy, confusion, intervals, intervalsPerClass });
    // The other one's classes come in the first one's order.
    const second = await evaluate({ ...how, checkpoint: other });
    const turnedBack = second.confusion.map((row) => row.toReversed()).toReversed();
    expect(result.models[1]).toMatchObject({
      accuracy: second.accuracy,
      logLoss: second.logLoss,
      confusion: turnedBack,
    });
  });

  test("has the differences that the statistics have of its own table", () => {
    expect(rows).toHaveLength(9);
    expect(rows[8]).toMatchObject({ path: "test/no tumour/2.png", class: "no tumour" });
    const models = names.map((name) => ({
      name,
      probabilities: rows.flatMap((row) => classNames.map((label) => Number(row[`p(${label}, ${name})`]))),
    }));
    const labels = rows.map((row) => classNames.indexOf(row.class as string));
    const [pair] = compareClassifiers({ models, labels, classNames, seed: 0 }).pairs;
    const of = (metric: string, name?: string) =>
      result.differences.find((row) => row.metric === metric && row.class === name);
    const { value: delta, low, high } = pair?.differences.accuracy ?? {};
    const { p, pHolm } = pair?.mcnemar ?? {};
    expect(of("accuracy")).toEqual({
      ...{ first: names[0], second: names[1], metric: "accuracy", delta, low, high, p, pHolm },
      ...{ method: "bootstrap-percentile", test: "mcnemar-exact" },
    });
    const auc = pair?.perClass[2]?.auc;
    expect(of("auc", "no tumour")).toMatchObject({ delta: auc?.difference, low: auc?.low, high: auc?.high, p: auc?.p });
    expect(of("logLoss")).toMatchObject({ delta: pair?.differences.logLoss.value, test: "paired-bootstrap" });
    expect(of("f1", "glioma")?.delta).toBe(pair?.perClass[0]?.differences.f1.value);
    // The models do differ, so that the above is no comparison of noughts.
    expect(Math.abs(of("logLoss")?.delta as number)).toBeGreaterThan(0.01);
    const written = JSON.parse(readFileSync(at("compared", "metrics.json"), "utf8"));
    expect(written.differences).toEqual(result.differences);
    expect(written).toMatchObject({ data: "data", unreadable: ["test/glioma/cut.png"] });
    expect(written.pairs[0].mcnemar).toEqual(pair?.mcnemar);
    expect(written.models[1].roc).toHaveLength(3);
  });

  test("leaves a report that says who did what, and how it was tested", () => {
    const page = readFileSync(at("compared", "report.html"), "utf8");
    expect(page).toContain("How 2 models differ on 9 test images");
    expect(page).toContain("first less other, accuracy:");
    expect(page.match(/aria-label="ROC curves: /g)).toHaveLength(3);
    expect(page).toContain("McNemar&#39;s test: exact");
    expect(page).not.toMatch(/<script|undefined|NaN/);
  });

  test("tells people of each model and each difference", async () => {
    const shown = await run(["compare", "a", "b", "--data-path", "d"], { compare: async () => result });
    expect(shown.stdout).toMatch(/models:\nfirst {2}vit_micro_patch8 {2}last\.safetensors {2}accuracy 0.*\nother {2}/);
    expect(shown.stdout).toMatch(/^first - other {2}accuracy {2}\S+ {2}\(\S+ to \S+\) {2}p \S+ {2}mcnemar-exact$/m);
    expect(shown.stdout).toMatch(/^first - other {2}auc of glioma /m);
  });

  test("with patients draws these, and leaves out the tests that take images for independent", async () => {
    const files = classNames.flatMap((name) => [0, 1, 2].map((i) => `test/${name}/${i}.png`));
    const lines = files.map((path, i) => `${path},${path.split("/")[1]},p${i % 5},test`);
    writeFileSync(at("data", "patients.csv"), `path,label,patient_id,split\n${lines.join("\n")}\n`);
    const found = await compare({ ...given(), dataPath: at("data", "patients.csv") });
    expect(found.resampling).toMatchObject({ groups: 5, resamples: 2000 });
    expect(new Set(found.differences.map(({ test: name }) => name))).toEqual(new Set(["paired-bootstrap"]));
    // Who is drawn changes no value; DeLong's is the same area by another sum.
    for (const [i, { delta }] of found.differences.entries()) {
      const plain = result.differences[i]?.delta as number | null;
      expect(delta).toEqual(plain === null ? null : expect.closeTo(plain, 9));
    }
  });

  test("corrects for three models, whose names are made distinct", async () => {
    const third = at("more", "best.safetensors");
    await writeMicroModel(third, { ...classifier, seed: 13 });
    const found = await compare({ ...given(), checkpoints: [first, other, third] });
    const pairs = new Set(found.differences.map(({ first, second }) => `${first} ${second}`));
    expect([...pairs]).toEqual(["first other", "first more", "other more"]);
    const accuracies = found.differences.filter(({ metric }) => metric === "accuracy");
    const smallest = Math.min(...accuracies.map(({ p }) => p as number));
    expect(Math.min(...accuracies.map(({ pHolm }) => pHolm as number))).toBe(Math.min(1, 3 * smallest));
  });
});

describe("compare refuses", () => {
  test("other classes, one file twice, one model, and what has no outputs", async () => {
    const unlike = at("unlike.safetensors");
    await writeMicroModel(unlike, { ...classifier, classNames: ["glioma", "meningioma", "pituitary"] });
    const of = (...more: string[]) => compare({ ...given(), checkpoints: [first, ...more] });
    await expect(of(unlike)).rejects.toThrow(
      /unlike.*expected the same as .*no tumour.*got glioma, meningioma, pituitary/,
    );
    await expect(of(first)).rejects.toThrow(/expected different files, got .* twice/);
    await expect(of()).rejects.toThrow(/two checkpoint files or more/);
    await expect(of(checkpoints.pretrained)).rejects.toMatchObject({ code: "Checkpoint" });
  });

  test("models that tell other things", async () => {
    const number = at("number.safetensors");
    const config = { ...classifier.config, numClasses: 1 };
    const target = { kind: "number", mean: 50, deviation: 10 } as const;
    await writeMicroModel(number, { ...classifier, config, classNames: ["age"], target });
    const both = [first, number];
    await expect(compare({ ...given(), checkpoints: both })).rejects.toThrow(
      /number\.safetensors: expected a model of one class of an image, as .*, got one of one number/,
    );
  });

  test("a split that is another for each model, and says which of them warned", async () => {
    const seeded = at("seeded.safetensors");
    await writeMicroModel(seeded, { ...classifier, seed: 5 });
    const both = { ...given(), checkpoints: [first, seeded], split: "val", valSplit: 0.4 } as const;
    await expect(compare(both)).rejects.toThrow(
      /split "val".*expected the same images for every model, got 3 for .* and 3 for/,
    );
    const split = { valSplit: 0.1, group: "auto", slices: "all", splitFile: false, val: "x", test: "y" } as const;
    const told = at("told.safetensors");
    await writeMicroModel(told, { ...classifier, split });
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => void events.push(event);
    await compare({ ...given(), checkpoints: [first, told], split: "test" }, { onEvent });
    const notes = events.flatMap((event) => ("message" in event ? [event.message] : []));
    expect(new Set(notes).size).toBe(notes.length);
  });

  test("a folder that holds other figures", async () => {
    const outputDir = join(at("taken"));
    await compare({ ...given(), outputDir });
    await expect(compare({ ...given(), outputDir })).rejects.toThrow(/--overwrite/);
    await compare({ ...given(), outputDir, overwrite: true });
  });
});
