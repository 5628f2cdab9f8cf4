import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flags } from "../e2e/runs.ts";
import { fileName, identifiers, patients, place, writePatients } from "./patients.ts";
import { isolated, noIsolation, noTrace, Place, type Traced, trace } from "./traced.ts";

const here = new Place();
const to = (name: string) => join(here.out, place, name);
const data = { dataPath: join(here.root, place, "study"), workers: 1 };
const training = {
  ...{ ...data, threads: 1, inputSize: "32x32", batchSize: 8, cacheMb: 16 },
  ...{ epochs: 1, warmupEpochs: 0, mapInterval: 1 },
};
const classifier = { checkpoint: to("finetune/last.safetensors"), threads: 1 };
const pretrained = { checkpoint: to("pretrain/last.safetensors"), threads: 1 };

/** Verbs that need nothing of each other may run side by side. */
const stages: Record<string, (others: readonly string[]) => string[]>[] = [
  {
    pretrain: () => {
      const maps = { attentionStartEpoch: 0, mapWarmupEpochs: 0 };
      return flags({ ...training, ...maps, model: "msmae_vit_micro_patch8", outputDir: to("pretrain") });
    },
    "data check": () => [data.dataPath, ...flags({ outputDir: to("check"), fix: to("fixed.csv") })],
  },
  {
    finetune: () =>
      flags({ ...training, model: "vit_micro_patch8", finetune: pretrained.checkpoint, outputDir: to("finetune") }),
    linprobe: () =>
      flags({
        ...{ ...data, threads: 1, batchSize: 8, epochs: 1, warmupEpochs: 0, cacheMb: 16 },
        ...{ model: "vit_micro_patch8", inputSize: "32x32" },
        ...{ finetune: pretrained.checkpoint, outputDir: to("linprobe") },
      }),
  },
  {
    reconstruct: (files) => [...flags({ ...pretrained, outputDir: to("reconstruct") }), ...files],
    knn: () => flags({ ...pretrained, ...data, k: [3], outputDir: to("knn") }),
  },
  {
    embed: () => flags({ ...pretrained, ...data, format: "csv", outputDir: to("embed") }),
    compare: () => [
      ...[classifier.checkpoint, to("linprobe/last.safetensors")],
      ...flags({ ...data, threads: 1, outputDir: to("compare") }),
    ],
  },
  {
    eval: () => flags({ ...classifier, ...data, outputDir: to("eval") }),
    predict: (files) => [...flags(classifier), ...files],
  },
  {
    maps: (files) => [...flags({ ...classifier, outputDir: to("maps") }), ...files],
    "data split": () => [data.dataPath, ...flags({ output: to("split.csv"), folds: 2 })],
  },
  {
    "data stats": () => [data.dataPath],
    "data show": ([file = ""]) => [file, ...flags({ png: to("shown.png"), array: to("shown.npy") })],
  },
];
const verbs = stages.flatMap((stage) => Object.keys(stage));
const ran = new Map<string, Traced>();

beforeAll(async () => {
  const others = await writePatients(here.root);
  const files = [join(data.dataPath, "test/benign", `${fileName}-5-1.dcm`), ...others];
  const main = [process.execPath, join(import.meta.dirname, "../../src/apps/cli/main.ts")];
  for (const stage of stages) {
    const runs = Object.entries(stage).map(async ([verb, argv]) => {
      ran.set(verb, await trace(here, [...main, ...verb.split(" "), ...argv(files)]));
    });
    await Promise.all(runs);
  }
  if (noIsolation) return;
  ran.set("isolated", await trace(here, [...main, "predict", ...flags(classifier), ...files], isolated));
}, 120_000);
afterAll(() => here.remove());

test.each(verbs)("%s does its work", (verb) => {
  const { code, stderr } = ran.get(verb) as Traced;
  expect({ code, error: code === 0 ? "" : stderr }).toEqual({ code: 0, error: "" });
});

describe.skipIf(noTrace)(`what others could notice${noTrace}`, () => {
  test.each(verbs)("%s opens no internet socket", (verb) => {
    expect(ran.get(verb)?.internet).toEqual([]);
  });

  test.each(verbs)("%s writes to its output folder, the program's cache and the temporary folder only", (verb) => {
    expect(here.strays(ran.get(verb) as Traced)).toEqual([]);
  });
});

test("the temporary folder is left empty, and the home with the program's cache alone", () => {
  expect(here.leftovers()).toEqual([]);
});

test.skipIf(noIsolation)(`predict says the same where there is no network interface at all${noIsolation}`, () => {
  expect(ran.get("isolated")?.stdout).toBe(ran.get("predict")?.stdout);
  expect(ran.get("isolated")?.stdout).toMatch(/malignant/);
});

/** Every file below a folder, by its name from there. */
function filesOf(folder: string): Map<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name));
  return new Map(paths.map((path) => [relative(folder, path), readFileSync(path)]));
}

/** Which of some texts the bytes hold: plainly, as UTF-16, or in pictures that stand in a page as base64. */
function found(texts: readonly string[], bytes: Buffer): string[] {
  const plain = bytes.toString("latin1");
  const pictures = Array.from(plain.matchAll(/;base64,([A-Za-z0-9+/=]+)/g), ([, code = ""]) =>
    Buffer.from(code, "base64").toString("latin1"),
  );
  return texts.filter(
    (text) => [plain, ...pictures].some((part) => part.includes(text)) || bytes.includes(text, 0, "utf16le"),
  );
}

/** Files that hold any of the texts, each with those that it holds. */
function holders(files: ReadonlyMap<string, Buffer>, texts: readonly string[]): Record<string, string[]> {
  const all = [...files].map(([name, bytes]): [string, string[]] => [name, found(texts, bytes)]);
  return Object.fromEntries(all.filter(([, held]) => held.length > 0));
}

describe("what stands in what was written", () => {
  const plain = [...Object.values(identifiers), ...patients];
  const digests = patients.map((id) => createHash("sha256").update(id).digest("hex").slice(0, 8));
  const results = () => filesOf(to(""));
  const models = ["pretrain", "finetune", "linprobe"];

  test("what is looked for is found where it is", () => {
    const bytes = readFileSync(join(data.dataPath, "test/benign", `${fileName}-5-1.dcm`));
    expect(found(plain, bytes)).toEqual([...Object.values(identifiers), patients[5]]);
    const page = Buffer.from(`<img src="data:image/png;base64,${bytes.toString("base64")}">`);
    expect(found([identifiers.name], page)).toEqual([identifiers.name]);
    expect(found([identifiers.name], Buffer.from(identifiers.name, "utf16le"))).toEqual([identifiers.name]);
  });

  test("no name, number, date, place or device of a header, nor a digest of a patient's number", () => {
    const files = results();
    for (const verb of verbs) {
      const { stdout, stderr } = ran.get(verb) as Traced;
      files.set(verb, Buffer.from(stdout + stderr));
    }
    expect(files.size).toBeGreaterThan(40);
    expect(holders(files, [...plain, ...digests])).toEqual({});
  });

  test("of the program's own cache: digests of patients' numbers, and nothing else of them", () => {
    const cache = filesOf(here.cache);
    expect(cache.size).toBeGreaterThan(0);
    expect(holders(cache, plain)).toEqual({});
  });

  test("absolute paths in a run's own configuration alone", () => {
    const holding = holders(results(), [here.root]);
    expect(Object.keys(holding).sort()).toEqual(models.map((name) => `${name}/config.yaml`).sort());
  });

  test("names of folders above the data there, and in tables that say where the images lie", () => {
    const holding = Object.keys(holders(results(), [place])).sort();
    const configurations = models.map((name) => `${name}/config.yaml`);
    expect(holding).toEqual([...configurations, "fixed.csv", "split.csv"].sort());
  });

  test("names of image files in tables of images and lists of those that could not be read", () => {
    const metrics = ["eval", "finetune", "linprobe", "knn", "compare"].map((name) => `${name}/metrics.json`);
    const predictions = ["eval", "knn", "compare"].map((name) => `${name}/predictions.csv`);
    const lists = ["check/check.json", "check/report.html", "embed/features.csv", ...predictions, ...metrics];
    const tables = ["fixed.csv", "split.csv", ...models.map((name) => `${name}/split.csv`)];
    expect(Object.keys(holders(results(), [fileName])).sort()).toEqual([...lists, ...tables].sort());
    const named = [...results().keys()].filter((name) => basename(name).includes(fileName));
    expect(new Set(named.map((name) => dirname(name)))).toEqual(new Set(["maps", "reconstruct"]));
  });
});
