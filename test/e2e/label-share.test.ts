import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { evaluate } from "../../src/inference/evaluate.ts";
import { type KnnResult, knn } from "../../src/inference/knn.ts";
import type { RunEvent } from "../../src/support/events.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { linprobe } from "../../src/training/tasks/linprobe.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { digests, finetuning, pretraining, probing, writePhantoms } from "./runs.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-labels-"));
const at = (...names: string[]): string => join(folder, ...names);
const read = (...names: string[]): string => readFileSync(at(...names), "utf8");
/** Ten training images of each of three classes, of which four are used. */
const labelShare = 0.4;
const supervised = () => ({ ...pretraining(at("data"), at("pre")), clsLoss: "ce", labelShare }) as const;

let notes: string[];

/** Of a split.csv: the names of the training images whose labels are used, or are not. */
function trainingImages(table: string, labelled: "yes" | "no"): string[] {
  return table
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","))
    .filter(([, , split, use]) => split === "train" && (use ?? "yes") === labelled)
    .map(([path]) => path as string);
}

beforeAll(async () => {
  await writePhantoms(at("data"));
  notes = [];
  await pretrain(supervised(), {
    onEvent: (event: RunEvent) => {
      if (event.type === "note") notes.push(event.message);
    },
  });
  // The same set without the images whose labels are not used.
  cpSync(at("data"), at("few"), { recursive: true });
  for (const path of trainingImages(read("pre", "split.csv"), "no")) rmSync(at("few", path));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a share of the labels", () => {
  test("is said where pre-training begins, and kept in its records", () => {
    expect(notes).toContain("labels of 12 of 30 training images are used: the others are only reconstructed");
    expect(read("pre", "config.yaml")).toContain("\nlabelShare: 0.4\n");
    const card = read("pre", "README.md");
    expect(card).toContain("labels of 12 of 30 training images were used; the others were only reconstructed.");
    expect(card).toContain("data, 30 images.");
    expect(card).toContain("| (no label used) | 18 |");
    expect(card).toContain("| `labelShare` | 0.4 |");
    const table = read("pre", "split.csv");
    expect(trainingImages(table, "yes")).toHaveLength(12);
    expect(trainingImages(table, "no")).toHaveLength(18);
  });

  test("is the same when pre-training goes on, to the byte, and no other is taken", async () => {
    const controller = new AbortController();
    const stopping = {
      signal: controller.signal,
      onEvent: (event: RunEvent) => {
        if (event.type === "step" && event.step === 17) controller.abort();
      },
    };
    const outputDir = at("resumed");
    const options = { ...supervised(), outputDir };
    await expect(pretrain(options, stopping)).rejects.toThrow();
    await expect(pretrain({ ...options, labelShare: 0.5, resume: outputDir })).rejects.toThrow(
      /expected the options the run was started with \(labelShare 0.4\), got labelShare 0.5/,
    );
    await pretrain({ ...options, resume: outputDir });
    const weights = (run: string) => Object.entries(digests(at(run))).filter(([name]) => name.endsWith(".safetensors"));
    expect(weights("resumed")).toEqual(weights("pre"));
    expect(weights("pre").length).toBeGreaterThan(1);
    expect(read("resumed", "split.csv")).toBe(read("pre", "split.csv"));
  });

  test("changes what pre-training learns, unless it learns of no label", async () => {
    const last = async (outputDir: string, more: object) => {
      await pretrain({ ...supervised(), ...more, epochs: 3, outputDir: at(outputDir) });
      return digests(at(outputDir))["last.safetensors"];
    };
    expect(await last("some", {})).not.toBe(await last("all", { labelShare: 1 }));
    expect(await last("mae-some", { clsLossWeight: 0 })).toBe(
      await last("mae-all", { clsLossWeight: 0, labelShare: 1 }),
    );
    expect(read("mae-some", "README.md")).not.toContain("labels of");
  });

  test("fine-tunes as on a data set without the other images, to the byte, and on those that pre-training learned of", async () => {
    await finetune({ ...finetuning(at("data"), at("tuned")), labelShare });
    await finetune(finetuning(at("few"), at("tuned-few")));
    for (const name of ["last.safetensors", "best.safetensors"]) {
      expect(digests(at("tuned"))[name], name).toBe(digests(at("tuned-few"))[name]);
    }
    expect(read("tuned", "split.csv")).toBe(read("pre", "split.csv"));
    const card = read("tuned", "README.md");
    expect(card).toContain("data, 12 images.");
    expect(card).toContain("labels of 12 of 30 training images were used; the others were left out.");
  });

  test("is what a table says whose other training images are unlabelled", async () => {
    const table = read("pre", "split.csv")
      .replaceAll(/,[a-z]+,train,no$/gm, ",unlabelled,train,no")
      .replaceAll(/,(?:yes|no)$/gm, "")
      .replace(",labelled", "");
    writeFileSync(at("data", "table.csv"), table);
    const dataPath = at("data", "table.csv");
    await finetune(finetuning(dataPath, at("tuned-table")));
    expect(digests(at("tuned-table"))["last.safetensors"]).toBe(digests(at("tuned-few"))["last.safetensors"]);
    const first: string[] = [];
    await pretrain(
      { ...supervised(), dataPath, labelShare: 1, epochs: 3, outputDir: at("pre-table") },
      { onEvent: (event: RunEvent) => event.type === "note" && first.push(event.message) },
    );
    expect(first).toContain("unlabelled images beside them: 18");
    expect(first).toContain("labels of 12 of 30 training images are used: the others are only reconstructed");
    expect(read("pre-table", "README.md")).toContain("| (no label used) | 18 |");
    const measured = await evaluate({ checkpoint: at("tuned-table", "best.safetensors"), dataPath, threads: 1 });
    expect(measured.n).toBe(6);
  });

  test("is probed as a data set without the other images", async () => {
    const checkpoint = at("pre", "last.safetensors");
    await linprobe({ ...probing(at("data"), at("probe"), checkpoint), labelShare });
    await linprobe(probing(at("few"), at("probe-few"), checkpoint));
    expect(digests(at("probe"))["last.safetensors"]).toBe(digests(at("probe-few"))["last.safetensors"]);
  });

  test("is what nearest neighbours vote of", async () => {
    const options = { checkpoint: at("pre", "last.safetensors"), k: [12], threads: 1, workers: 0 };
    const figures = ({ seconds: _, ...rest }: KnnResult & { seconds?: number }) => rest;
    const some = await knn({ ...options, dataPath: at("data"), labelShare });
    expect(figures(some)).toEqual({
      ...figures(await knn({ ...options, dataPath: at("few") })),
      labels: { used: 12, images: 30 },
    });
    await expect(knn({ ...options, dataPath: at("data"), k: [13], labelShare })).rejects.toThrow(
      /k: expected at most the 12 training images, got 13/,
    );
  });

  test("must fill a batch", async () => {
    await expect(finetune({ ...finetuning(at("data"), at("tiny")), labelShare: 0.1 })).rejects.toThrow(
      /--batch-size: expected at most the 3 training images, got 4/,
    );
  });
});
