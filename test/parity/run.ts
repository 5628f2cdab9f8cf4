import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../src/support/errors.ts";
import { checkFinetune, type FinetuneCase } from "./finetune.ts";
import { GoldenFile, type GoldenIndex, readJson } from "./goldens.ts";
import { Comparison } from "./harness.ts";
import { checkImages } from "./images.ts";
import { checkLinearProbe, type LinearProbeCase } from "./linear-probe.ts";
import { checkMetrics } from "./metrics.ts";
import { checkPretrain, type PretrainCase } from "./pretrain.ts";
import { checkGroups, checkSchedules } from "./schedules.ts";
import { checkSegmentation, type SegmentationCase } from "./segmentation.ts";
import { checkSegmentationMetrics } from "./segmentation-metrics.ts";
import { checkTables } from "./tables.ts";

/** A case of a golden folder, ready to run; `check` is absent for kinds that nothing here computes yet. */
export interface ParityCase {
  name: string;
  check?: (out: Comparison) => Promise<void> | void;
}

/** The cases of a golden folder: those of `index.json`, then the JSON files beside it. */
export function listCases(folder: string): ParityCase[] {
  const index = readJson<GoldenIndex>(folder, "index.json");
  const json = readdirSync(folder).filter((file) => file.endsWith(".json") && file !== "index.json");
  // Tables and images need no configuration, so that an index may leave them out.
  const plain = ["tables", "images"].filter(
    (name) => !(name in index) && existsSync(join(folder, `${name}.safetensors`)),
  );
  return [
    ...Object.entries(index).map(([name, entry]) => ({ name, check: tensorCheck(folder, name, entry) })),
    ...plain.map((name) => ({ name, check: tensorCheck(folder, name, {}) })),
    ...json.sort().map((file) => ({ name: file.replace(/\.json$/, ""), check: jsonCheck(folder, file) })),
  ];
}

/** Runs one case. What cannot be computed becomes a row that is not ok. */
export async function runCase({ name, check }: ParityCase): Promise<Comparison> {
  const out = new Comparison(name);
  try {
    if (check) await check(out);
    else out.notCovered.push("*");
  } catch (error) {
    out.fail("*", "host", `skipped: ${messageOf(error)}`);
  }
  if (check && out.rows.length === 0) out.fail("*", "host", "skipped: nothing in this case that is known");
  return out;
}

function tensorCheck(folder: string, name: string, entry: unknown): ParityCase["check"] {
  const check = tensorChecks.find(({ pattern }) => pattern.test(name))?.check;
  return (
    check &&
    (async (out) => {
      const golden = await GoldenFile.read(join(folder, `${name}.safetensors`));
      await check(entry, golden, out);
      out.notCovered.push(...golden.unused);
    })
  );
}

/** What is known to run, by the names of cases. The index is JSON written for these types. */
const tensorChecks: readonly {
  pattern: RegExp;
  check: (entry: unknown, golden: GoldenFile, out: Comparison) => Promise<void> | void;
}[] = [
  { pattern: /^pretrain\//, check: (entry, golden, out) => checkPretrain(entry as PretrainCase, golden, out) },
  { pattern: /^finetune\//, check: (entry, golden, out) => checkFinetune(entry as FinetuneCase, golden, out) },
  {
    pattern: /^segmentation\//,
    check: (entry, golden, out) => checkSegmentation(entry as SegmentationCase, golden, out),
  },
  {
    pattern: /^linear-probe\//,
    check: (entry, golden, out) => checkLinearProbe(entry as LinearProbeCase, golden, out),
  },
  { pattern: /^tables$/, check: (_, golden, out) => checkTables(golden, out) },
  { pattern: /^images$/, check: (_, golden, out) => checkImages(golden, out) },
];

function jsonCheck(folder: string, file: string): ParityCase["check"] {
  if (file === "lr-schedule.json") return (out) => checkSchedules(readJson(folder, file), out);
  if (/^param-groups-.+\.json$/.test(file)) return (out) => checkGroups(readJson(folder, file), out);
  if (file === "metrics-classification.json") return (out) => checkMetrics(readJson(folder, file), out);
  if (file === "metrics-segmentation.json") return (out) => checkSegmentationMetrics(readJson(folder, file), out);
  return undefined;
}
