import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { splitData } from "../../src/curation/split-data.ts";
import { evaluate } from "../../src/inference/evaluate.ts";
import type { FindingsFigures, FindingsPrediction } from "../../src/inference/outcomes/findings.ts";
import { predict } from "../../src/inference/predict.ts";
import { loadClassifier, loadPredictor } from "../../src/inference/predictor.ts";
import { describeModelFile, type ModelDescription } from "../../src/interop/model-file.ts";
import type { FindingsMetrics } from "../../src/results/metrics/index.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { run } from "../cli/fakes.ts";
import { FINDINGS, type FindingRow, writeFindingPictures } from "../support/finding-pictures.ts";
import { digests } from "./runs.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-findings-"));
const at = (...names: string[]) => join(folder, ...names);
const data = at("data");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const common = {
  dataPath: data,
  findings: FINDINGS,
  inputSize: { height: 32, width: 32 },
  inChans: 1,
  batchSize: 8,
  threads: 1,
  workers: 1,
  seed: 3,
  warmupEpochs: 0,
} as const;
const pretraining = { ...common, model: "msmae_vit_micro_patch8", epochs: 3, lr: 1e-3, clsLossWeight: 1 } as const;
const finetuning = {
  ...common,
  model: "vit_micro_patch8",
  lr: 2e-3,
  cropMinScale: 0.9,
  dropPath: 0,
  mapInterval: 2,
  outputDir: at("run"),
  epochs: 8,
  finetune: at("pre", "last.safetensors"),
} as const;

let rows: FindingRow[];

beforeAll(async () => {
  rows = await writeFindingPictures(data, { train: 96, val: 32, test: 32 });
});

const readJson = (...names: string[]) => JSON.parse(readFileSync(at(...names), "utf8"));

function thresholdsOf({ target }: Pick<ModelDescription, "target">): readonly number[] {
  return (target?.kind === "findings" && target.thresholds) || [];
}

describe("findings that are each there or not", () => {
  test("supervise pre-training by their binary cross-entropy", async () => {
    await pretrain({ ...pretraining, outputDir: at("pre") });
    const { description } = await describeModelFile(at("pre", "last.safetensors"));
    expect(description).toMatchObject({ kind: "pretrained", classNames: FINDINGS, target: { kind: "findings" } });
    expect(description.config.numClasses).toBe(2);
    const log = readFileSync(at("pre", "log.txt"), "utf8").trim().split("\n");
    const losses = log.map((line) => JSON.parse(line).train_classification_loss as number);
    // Two coins cost log 2.
    expect(losses[0]).toBeGreaterThan(0.4);
    expect(losses.at(-1)).toBeLessThan(losses[0] as number);
    expect(readFileSync(at("pre", "README.md"), "utf8")).toContain("binary cross-entropy of 2 findings");
  });

  test("are learned by fine-tuning, which keeps their thresholds", async () => {
    const result = await finetune<FindingsFigures & { auc: number }>(finetuning);
    expect(result.auc).toBeGreaterThan(0.9);
    const { description } = await describeModelFile(at("run", "best.safetensors"));
    expect(description).toMatchObject({ classNames: FINDINGS, target: { kind: "findings" } });
    const thresholds = thresholdsOf(description);
    expect(thresholds).toHaveLength(2);
    const metrics: FindingsMetrics = readJson("run", "metrics.json");
    expect(metrics.perFinding.map(({ threshold }) => threshold)).toEqual(thresholds);
    // Those left open do not count.
    const known = metrics.perFinding.map((figures) => figures.known);
    expect(Math.max(...known)).toBeLessThan(32);
    expect(Math.min(...known)).toBeGreaterThan(25);
    const card = readFileSync(at("run", "README.md"), "utf8");
    expect(card).toContain("one probability per finding: stripes, spot");
  });

  test("eval gives the figures of metrics.json from the checkpoint's own columns, and a report", async () => {
    const how = { dataPath: data, checkpoint: at("run", "best.safetensors"), threads: 1, workers: 1 } as const;
    const told = await evaluate<FindingsFigures>({ ...how, outputDir: at("eval") });
    const { perFinding, aucMean, logLoss } = readJson("run", "metrics.json");
    expect(told.perFinding).toEqual(perFinding);
    expect(told).toMatchObject({ aucMean, logLoss, n: 32, split: "test" });
    const lines = readFileSync(at("eval", "predictions.csv"), "utf8").trim().split("\n");
    expect(lines[0]).toBe("path,stripes,p(stripes),spot,p(spot)");
    expect(lines).toHaveLength(33);
    expect(readFileSync(at("eval", "report.html"), "utf8")).toContain("How well it tells 2 findings: 32 test images");
    const shown = await run(["eval", "--checkpoint", how.checkpoint, "--data-path", data], {
      evaluate: () => Promise.resolve(told),
    });
    expect(shown.stdout).toMatch(/per finding:\nstripes {2}known \d+/);
  });

  test("eval --report gives each finding's figures intervals, in JSON, in the report and for people", async () => {
    const how = { dataPath: data, checkpoint: at("run", "best.safetensors"), threads: 1, workers: 1 } as const;
    const told = await evaluate<FindingsFigures>({ ...how, report: true, outputDir: at("report") });
    const { aucMean, perFinding } = readJson("run", "metrics.json");
    expect(told.resampling).toEqual({ groups: 32, mixedGroups: 0, resamples: 2000 });
    expect(told.intervals?.aucMean.value).toBeCloseTo(aucMean, 12);
    expect(told.intervalsPerFinding?.map(({ finding }) => finding)).toEqual(FINDINGS);
    told.intervalsPerFinding?.forEach(({ figures, prevalence }, k) => {
      const { positives, known, sensitivity } = perFinding[k];
      expect(prevalence).toBe(positives / known);
      expect(figures.sensitivity.value).toBe(sensitivity);
      expect(figures.auc.low).toBeLessThanOrEqual(perFinding[k].auc);
    });
    expect(readJson("report", "metrics.json").intervalsPerFinding).toEqual(told.intervalsPerFinding);
    const page = readFileSync(at("report", "report.html"), "utf8");
    expect(page).toContain("How well it tells 2 findings: 32 test images");
    expect(page).toContain("Each on the images of which it is known, with 95 % intervals");
    expect(page).toMatch(/aria-label="ROC curves: stripes \(/);
    const shown = await run(["eval", "--checkpoint", "c", "--data-path", "d"], { evaluate: async () => told });
    expect(shown.stdout).toMatch(/^aucMean +\S+ \(\S+ to \S+\)$/m);
    expect(shown.stdout).toMatch(/^stripes {2}known \d+ .*auc \S+ \(\S+ to \S+\)/m);
    expect(shown.stdout).not.toContain("[object");
  });

  test("predict says every probability, and the findings from their thresholds on", async () => {
    const files = rows.filter(({ split }) => split === "test").map(({ path }) => join(data, path));
    const lines = [];
    const how = { checkpoint: at("run", "best.safetensors"), files, threads: 1 };
    for await (const line of predict<FindingsPrediction>(how)) lines.push(line as FindingsPrediction);
    const { description } = await describeModelFile(how.checkpoint);
    const thresholds = thresholdsOf(description);
    for (const { findings, probabilities } of lines) {
      expect(findings).toEqual(
        FINDINGS.filter((name, k) => (probabilities[name] as number) >= (thresholds[k] as number)),
      );
    }
    const right = lines.filter(({ findings }, i) => {
      const { findings: truth = [] } = rows.filter(({ split }) => split === "test")[i] ?? {};
      return findings.join() === FINDINGS.filter((_, k) => truth[k] === 1).join();
    });
    expect(right.length).toBeGreaterThan(24);
    const said = [
      { path: "a.png", findings: ["spot"], probabilities: { stripes: 0.25, spot: 0.75 } },
      { path: "b.png", findings: [], probabilities: { stripes: 0.25, spot: 0.5 } },
    ];
    const shown = await run(["predict", "--checkpoint", how.checkpoint, "a.png"], {
      async *predict() {
        yield* said;
      },
    });
    expect(shown.stdout).toMatch(/a\.png\s+spot 0\.75\n.*b\.png\s+no finding/s);
  });

  test("a model of findings is no classifier to those who load one", async () => {
    await expect(loadClassifier(at("run", "best.safetensors"))).rejects.toThrow(
      /a model of classes, got one of findings/,
    );
    await using predictor = await loadPredictor(at("run", "best.safetensors"), { threads: 1 });
    expect(predictor.description.target?.kind).toBe("findings");
  });

  test("a run that stops and goes on leaves the bytes of one that did not", async () => {
    const short = { ...finetuning, epochs: 4, mixup: 0.4 };
    await finetune({ ...short, outputDir: at("whole") });
    const stopped = { ...short, outputDir: at("parts") };
    const controller = new AbortController();
    const onEvent = (event: { type: string; epoch?: number }) => {
      if (event.type === "epoch" && event.epoch === 1) controller.abort();
    };
    await expect(finetune(stopped, { onEvent, signal: controller.signal })).rejects.toThrow(/stop/);
    await finetune({ ...stopped, resume: at("parts") });
    const weights = (name: string) => digests(at(name));
    expect(weights("parts")).toEqual(weights("whole"));
  });

  test("bad columns, values and options are named", async () => {
    const start = { ...finetuning, outputDir: at("bad") };
    await expect(finetune({ ...start, findings: ["stripes", "dots"] })).rejects.toThrow(/one column "dots"/);
    await expect(finetune({ ...start, findings: ["stripes", "level"] })).rejects.toThrow(/level "\d+" is not 0, 1/);
    const odd = { sampling: "balanced", classWeights: "balanced", loss: "focal", numClasses: 3 } as const;
    const asked = finetune({ ...start, ...odd });
    for (const name of Object.keys(odd)) await expect(asked).rejects.toThrow(new RegExp(name));
  });

  test("data split keeps the share of each finding, and writes a table that says them", async () => {
    const table = readFileSync(at("data", "dataset.csv"), "utf8").replaceAll(/,(train|val|test),/g, ",");
    writeFileSync(at("data", "unsplit.csv"), table.replace(",split,", ","));
    const output = at("data", "split.csv");
    const how = { findings: FINDINGS, valSplit: 0.2, testSplit: 0.2 };
    const { splits } = await splitData({ dataPath: at("data", "unsplit.csv"), output, ...how });
    expect(splits.train + splits.val + splits.test).toBe(160);
    const lines = readFileSync(output, "utf8").trim().split("\n");
    expect(lines[0]).toBe("path,stripes,spot,split");
    const share = (split: string, column: number) => {
      const own = lines.map((line) => line.split(",")).filter((fields) => fields[3] === split);
      return own.filter((fields) => fields[column] === "1").length / own.length;
    };
    for (const column of [1, 2]) {
      expect(Math.abs(share("train", column) - share("test", column))).toBeLessThan(0.05);
      expect(Math.abs(share("train", column) - share("val", column))).toBeLessThan(0.05);
    }
    // It is a data set of its own.
    const again = await splitData({ dataPath: output, output: at("again.csv"), findings: FINDINGS });
    expect(again.splits).toEqual(splits);
  });
});
