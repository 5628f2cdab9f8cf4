import { join } from "node:path";
import { expect, test } from "vitest";
import { finetuneRecipe, pretrainRecipe, segmentRecipe } from "../../../../src/apps/demo/recipe.ts";
import { demoReport } from "../../../../src/apps/demo/report.ts";
import { resolveOptions, resolveRun, verbs } from "../../../../src/config/index.ts";
import { classificationMetrics } from "../../../../src/results/metrics/index.ts";
import { readEnvironment } from "../../../../src/training/records/environment.ts";

test.each(["/home/jane/werk/demo", "werk/../demo-jane/"])(
  "a demo's report does not say that it was made in %s",
  async (outputDir) => {
    const options = resolveOptions(verbs.demo, { outputDir });
    const at = (...names: string[]) => join(outputDir, ...names);
    const [images, pretrain, finetune] = [at("images"), at("pretrain"), at("finetune")];
    const outlining = segmentRecipe(
      options,
      at("images", "masks.csv"),
      at("segment"),
      at("pretrain", "last.safetensors"),
    );
    const checkpoint = join(pretrain, "last.safetensors");
    const part = { history: [], seconds: 1 };
    const none = { random: [], supervised: [], lesions: [], attention: [], reconstructions: [] };
    const game = { n: 0, withoutLesion: 0, hits: 0, hitRate: null, chance: null, interval: null, scores: [] };
    const report = demoReport({
      options,
      pretrain: { ...part, options: resolveRun(verbs.pretrain, pretrainRecipe(options, images, pretrain)) },
      finetune: { ...part, options: resolveRun(verbs.finetune, finetuneRecipe(options, images, finetune, checkpoint)) },
      segment: { ...part, options: resolveRun(verbs.segment, outlining) },
      outlines: { figures: { dice: 0.9, iou: 0.8, chance: 0.125 }, section: {} },
      metrics: classificationMetrics({ classNames: ["a", "b"], labels: [0, 1], probabilities: [1, 0, 0, 1] }),
      looking: { ...none, game: { random: game, supervised: game } },
      environment: await readEnvironment({ seed: 0, device: "cpu", threads: 1 }),
      seconds: 2,
    });
    expect(report.provenance?.configYaml?.match(/^(dataPath|outputDir|finetune): .*$/gm)).toEqual([
      "dataPath: images",
      "outputDir: pretrain",
      "dataPath: images",
      "finetune: pretrain/last.safetensors",
      "outputDir: finetune",
      "dataPath: images/masks.csv",
      "finetune: pretrain/last.safetensors",
      "outputDir: segment",
    ]);
    expect(report.provenance?.notes?.join(" ")).toContain("a mean Dice of 0.125");
    expect(JSON.stringify(report)).not.toMatch(/jane|werk/);
  },
);
