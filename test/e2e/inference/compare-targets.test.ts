import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CompareInput } from "../../../src/config/index.ts";
import { compare } from "../../../src/inference/comparison/compare.ts";
import { evaluate } from "../../../src/inference/evaluate.ts";
import type { FindingsFigures } from "../../../src/inference/outcomes/findings.ts";
import type { MaskMetrics } from "../../../src/inference/outcomes/masks.ts";
import type { ModelDescription } from "../../../src/interop/model-file.ts";
import {
  delongTest,
  type NumberMetrics,
  numberStatistic,
  pairedDifferences,
} from "../../../src/results/metrics/index.ts";
import { FINDINGS, writeFindingPictures } from "../../support/finding-pictures.ts";
import { classifier, writeMicroModel } from "../micro-models.ts";
import { segmenter, writeMaskedPhantoms } from "../segmentation/masked.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-compare-"));
const at = (...names: string[]) => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pictures = at("pictures");
let masked: Awaited<ReturnType<typeof writeMaskedPhantoms>>;

beforeAll(async () => {
  await writeFindingPictures(pictures, { train: 8, val: 4, test: 24 });
  masked = await writeMaskedPhantoms(at("phantoms"));
});

/** Two checkpoints of random weights, each in a folder of its own. */
async function twoModels(name: string, first: ModelDescription, second: ModelDescription): Promise<string[]> {
  const models = { [`${name}-a`]: first, [`${name}-b`]: second };
  for (const [own, description] of Object.entries(models)) {
    mkdirSync(at(own));
    await writeMicroModel(at(own, "best.safetensors"), description);
  }
  return Object.keys(models).map((own) => at(own, "best.safetensors"));
}

const runtime = { threads: 1, workers: 1, batchSize: 8 } as const;
const compared = (input: Omit<CompareInput, "threads" | "workers">) => compare({ ...runtime, ...input });

/** Lines of predictions.csv, and the column of that name as numbers. */
function written(...path: string[]) {
  const [head = "", ...lines] = readFileSync(at(...path, "predictions.csv"), "utf8")
    .trimEnd()
    .split("\n");
  const columns = head.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/).map((name) => name.replaceAll('"', ""));
  const values = (name: string) => lines.map((line) => line.split(",")[columns.indexOf(name)] ?? "absent");
  return { lines, columns, values };
}

describe("segmenters", () => {
  const kinds = ["disc", "ring", "star"];

  test("are compared by the means over images that eval tells, classes matched by name", async () => {
    const dataPath = masked.kinds;

    const checkpoints = await twoModels("masks", segmenter(kinds), {
      ...segmenter(kinds.toReversed()),
      seed: 8,
    });
    const found = await compared({ checkpoints, dataPath, outputDir: at("masks") });
    expect(found).toMatchObject({ tells: "masks", names: kinds, n: 6 });
    const alone = (checkpoint: string | undefined) =>
      evaluate<MaskMetrics>({ ...runtime, checkpoint: checkpoint as string, dataPath });
    const [a, b] = [await alone(checkpoints[0]), await alone(checkpoints[1])];
    expect(found.models[0]).toMatchObject({ dice: a.dice, hd95: a.hd95, intervals: a.intervals });
    const of = (metric: string, name?: string) =>
      found.differences.find((row) => row.metric === metric && row.class === name);
    for (const metric of ["dice", "iou", "hd95", "nsd"] as const) {
      expect(of(metric)?.delta, metric).toBeCloseTo((a[metric] as number) - (b[metric] as number), 12);
    }
    const ring = ({ perClass }: MaskMetrics) =>
      perClass.find((one) => one.class === "ring")?.images.dice?.mean as number;
    expect(of("dice", "ring")?.delta).toBeCloseTo(ring(a) - ring(b), 12);
    expect(of("dice")).toMatchObject({ test: "paired-bootstrap", first: "masks-a", second: "masks-b" });
    const { lines, columns } = written("masks");
    expect(lines).toHaveLength(6);
    expect(columns).toContain("dice(ring, masks-b)");
    const page = readFileSync(at("masks", "report.html"), "utf8");
    expect(page).toContain("masks-a less masks-b, dice:");
    expect(page).toContain("Distances are in pixels; surface Dice allows 2.");
  });

  test("of one class have no rows of it beside the means", async () => {
    const checkpoints = await twoModels("lesion", segmenter(["lesion"]), { ...segmenter(["lesion"]), seed: 8 });
    const found = await compared({ checkpoints, dataPath: masked.lesions, emptyMasks: "undefined" });
    expect(found.differences).toHaveLength(8);
    expect(found.differences.every((row) => row.class === undefined)).toBe(true);
  });
});

describe("models of findings", () => {
  const target: ModelDescription["target"] = { kind: "findings", thresholds: [0.5, 0.25] };
  const config = { ...classifier.config, numClasses: 2 };
  const described = { ...classifier, config, classNames: FINDINGS, target };

  test("are compared at each one's own thresholds, findings matched by name", async () => {
    const [stripes = "", spot = ""] = FINDINGS;
    const other = {
      ...described,
      seed: 8,
      classNames: [spot, stripes],
      target: { kind: "findings" as const, thresholds: [0.75, 0.125] },
    };
    const checkpoints = await twoModels("findings", described, other);
    const found = await compared({ checkpoints, dataPath: pictures, outputDir: at("findings") });
    expect(found).toMatchObject({ tells: "findings", names: FINDINGS, n: 24 });
    const figures = (k: number) => found.models[k] as unknown as FindingsFigures;
    const thresholds = [0, 1].map((k) => figures(k).perFinding.map(({ threshold }) => threshold));
    expect(thresholds).toEqual([
      [0.5, 0.25],
      [0.125, 0.75],
    ]);
    const alone = await evaluate<FindingsFigures>({
      ...runtime,
      checkpoint: checkpoints[1] as string,
      dataPath: pictures,
    });
    expect(figures(1).perFinding).toEqual(alone.perFinding.toReversed());
    const { values } = written("findings");
    const known = values(spot).flatMap((value, i) => (value === "" ? [] : [i]));
    expect(known.length).toBeLessThan(24);
    const column = (name: string) => known.map((i) => Number(values(name)[i]));
    const { difference, p } = delongTest(
      column(`p(${spot}, findings-a)`),
      column(`p(${spot}, findings-b)`),
      column(spot),
    );
    const row = found.differences.find(({ metric, class: name }) => metric === "auc" && name === spot);
    expect(row).toMatchObject({ delta: difference, p, test: "delong" });
    expect(Math.abs(difference as number)).toBeGreaterThan(0);
    const page = readFileSync(at("findings", "report.html"), "utf8");
    expect(page).toContain("findings-a less findings-b, mean AUC:");
    expect(page.match(/aria-label="ROC curves: /g)).toHaveLength(1);
  });
});

describe("models of a number", () => {
  const config = { ...classifier.config, numClasses: 1 };
  const target = { kind: "number", mean: 50, deviation: 1e-3 } as const;
  const described = { ...classifier, config, classNames: ["level"], target };

  test("are compared by their errors on the same images", async () => {
    const other = { ...described, seed: 8, target: { ...target, mean: 58 } };
    const checkpoints = await twoModels("number", described, other);
    const found = await compared({ checkpoints, dataPath: pictures, outputDir: at("number") });
    const { values } = written("number");
    const truth = values("level").map(Number);
    const statistics = ["number-a", "number-b"].map((name) =>
      numberStatistic({ predicted: values(`predicted(${name})`).map(Number), truth }),
    );
    const [pair] = pairedDifferences({ cases: 24, models: statistics, seed: 0 }).pairs;
    const { value: delta, low, high, p } = pair?.differences.mae ?? {};
    expect(found.differences.map(({ metric }) => metric)).toEqual(["mae", "rmse", "r2", "correlation"]);
    expect(found.differences[0]).toMatchObject({ delta, low, high, p, test: "paired-bootstrap" });
    expect(Math.abs(delta as number)).toBeGreaterThan(0.1);
    const alone = await evaluate<NumberMetrics>({
      ...runtime,
      checkpoint: checkpoints[0] as string,
      dataPath: pictures,
    });
    expect(found.models[0]).toMatchObject({ mae: alone.mae, bias: alone.bias });
    expect(readFileSync(at("number", "report.html"), "utf8")).toContain("Errors are in the unit of level");
  });

  test("of other columns are refused", async () => {
    const checkpoints = await twoModels("column", described, { ...described, classNames: ["age"] });
    await expect(compared({ checkpoints, dataPath: pictures })).rejects.toThrow(
      /expected the same as .* \(level\), got age/,
    );
  });
});

test("grades must be in one order; a classifier of the same classes stands beside them", async () => {
  const { classNames } = classifier;
  const graded = {
    ...classifier,
    config: { ...classifier.config, numClasses: 2 },
    target: { kind: "grades" },
  } as const;
  const turned = { ...graded, classNames: classNames.toReversed() };
  const dataPath = at("phantoms");
  const order = await twoModels("grades", graded, turned);
  await expect(compared({ checkpoints: order, dataPath })).rejects.toThrow(/expected the grades in their order as/);
  const kinds = { ...classifier, classNames: ["star", "ring", "disc"] };
  const named = { ...graded, classNames: ["ring", "star", "disc"] };
  const mixed = await twoModels("mixed", kinds, named);
  expect((await compared({ checkpoints: mixed, dataPath })).names).toEqual(named.classNames);
});
