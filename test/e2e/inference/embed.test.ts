import { readFileSync, writeFileSync } from "node:fs";
import { parquetReadObjects } from "hyparquet";
import { describe, expect, test, vi } from "vitest";
import type { EmbedInput } from "../../../src/config/index.ts";
import { interpret } from "../../../src/engine/graph/interpreter.ts";
import { decodeNpy } from "../../../src/formats/npy.ts";
import { embed } from "../../../src/inference/embed.ts";
import { featuresGraph, frozenEncoderSpecs } from "../../../src/method/models/linear-probe.ts";
import { MsmaeError } from "../../../src/support/errors.ts";
import type { RunEvent } from "../../../src/support/events.ts";
import { classifier, normalisedPlanes, patchesOf } from "../micro-models.ts";
import { at, checkpoints, classifierWeights, cut, good, msmae } from "./scene.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const base = { checkpoint: checkpoints.classifier, features: "mean", threads: 1, workers: 0 } as const;
const ask = (name: string, more: Partial<EmbedInput>) => embed({ ...base, outputDir: at(name), ...more });

async function failure(work: Promise<unknown>): Promise<MsmaeError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MsmaeError);
  return error as MsmaeError;
}

/** The mean features of an image in float64, without the code under test. */
async function inFloat64(path: string): Promise<Float64Array> {
  const { config } = classifier;
  const names = frozenEncoderSpecs(config).map(({ name }) => name);
  const weights = names.map((name) => [name, Float64Array.from(classifierWeights.get(name) as Float32Array)] as const);
  const patches = patchesOf(await normalisedPlanes(path, classifier), config);
  const told = interpret(featuresGraph(config, 1), { ...Object.fromEntries(weights), patches }).get("features");
  return told?.data as Float64Array;
}

const lines = (path: string) => readFileSync(path, "utf8").trim().split("\n");

describe("embed", () => {
  test("writes what float64 computes of each image, its row in the table, and the same bytes again", async () => {
    const result = await ask("npy", { dataPath: at("data"), valSplit: 0 });
    expect(result).toMatchObject({ n: 18, width: 16, unreadable: 0, features: at("npy", "features.npy") });
    const { data, shape } = decodeNpy(readFileSync(result.features), 2 ** 20);
    expect(shape).toEqual([18, 16]);
    const [header, ...rows] = lines(at("npy", "features.csv"));
    expect(header).toBe("path,split,class,umap_x,umap_y");
    for (const [i, row] of rows.entries()) {
      const [path = "", split, name] = row.split(",");
      expect(path).toMatch(new RegExp(`^${split}/${name}/`));
      const expected = await inFloat64(at("data", path));
      for (const [d, value] of expected.entries()) expect(Number(data[16 * i + d])).toBeCloseTo(value, 4);
    }
    const page = readFileSync(result.picture as string, "utf8");
    expect(page).toContain("Coloured by class");
    expect(page).toContain("Coloured by split");
    await ask("again", { dataPath: at("data"), valSplit: 0 });
    for (const file of ["features.npy", "features.csv", "embedding.html"]) {
      expect(readFileSync(at("again", file)), file).toEqual(readFileSync(at("npy", file)));
    }
  });

  test.each([
    ["the mean", "mean", "pretrained"],
    ["the cls token", "cls", "classifier"],
  ] as const)("normalises %s where the checkpoint has no norm for it, without a scale", async (_, features, kind) => {
    const { features: file } = await ask(`unnormed ${kind}`, { checkpoint: checkpoints[kind], features, files: good });
    const { data, shape } = decodeNpy(readFileSync(file), 2 ** 20);
    const [n, width] = shape as [number, number];
    for (let i = 0; i < n; i++) {
      const row = Array.from({ length: width }, (__, d) => Number(data[i * width + d]));
      expect(row.reduce((a, b) => a + b) / width).toBeCloseTo(0, 5);
      expect(row.reduce((a, b) => a + b * b, 0) / width).toBeCloseTo(1, 3);
    }
  });

  test("as CSV and Parquet with the columns of the table, by which it is coloured", async () => {
    const images = classifier.classNames.flatMap((name) => [0, 1].map((i) => `${name}/${i}.png`));
    const rows = images.map(
      (path, i) => `data/train/${path},${path.split("/")[0]},${i < 4 ? "train" : "test"},S${i % 2}`,
    );
    writeFileSync(at("set.csv"), ["path,label,split,scanner", ...rows, ""].join("\n"));
    const options = { dataPath: at("set.csv"), colorBy: ["scanner"], valSplit: 0 };
    const csv = await ask("csv", { ...options, format: "csv" });
    const table = lines(csv.features).map((line) => line.split(","));
    expect(table[0]?.slice(0, 7)).toEqual(["path", "split", "class", "scanner", "umap_x", "umap_y", "f0"]);
    expect(table[0]).toHaveLength(6 + 16);
    expect(readFileSync(csv.picture as string, "utf8")).toContain("Coloured by scanner");
    const parquet = await ask("parquet", { ...options, format: "parquet" });
    const bytes = readFileSync(parquet.features);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const records = await parquetReadObjects({ file });
    expect(records.map((record) => (table[0] ?? []).map((name) => String(record[name])))).toEqual(table.slice(1));
    const unknown = await failure(ask("unknown", { ...options, colorBy: ["site", "scanner"] }));
    expect(unknown.message).toMatch(/^colorBy: expected of split, class, scanner.*, got site/);
  });

  test("of files tells what cannot be read and goes on; a picture needs four images", async () => {
    const warnings: string[] = [];
    const onEvent = (event: RunEvent) => {
      if (event.type === "warning") warnings.push(event.message);
    };
    const files = [...good.slice(0, 3), cut];
    const few = await embed({ ...base, files, outputDir: at("few") }, { onEvent });
    expect(few).toMatchObject({ n: 3, picture: null, unreadable: 1 });
    expect(lines(at("few", "features.csv"))).toEqual(["path", ...good.slice(0, 3)]);
    expect(warnings).toEqual([expect.stringContaining("cut.png"), expect.stringMatching(/^3 images are too few/)]);
    expect((await failure(ask("none", { files: [cut] }))).message).toMatch(
      /at least one readable image, got none of 1/,
    );
    expect((await failure(ask("neither", {}))).message).toMatch(
      /^dataPath: expected a data set or image files, got neither/,
    );
    expect((await failure(ask("both", { files, dataPath: at("data") }))).message).toMatch(/got both/);
  });

  test("by the command line gives the paths of features and picture", () => {
    const { code, lines: told } = msmae(
      "embed",
      ...good,
      "--checkpoint",
      checkpoints.pretrained,
      "--output-dir",
      at("cli"),
    );
    expect({ code, told }).toMatchObject({
      code: 0,
      told: [{ n: 5, features: at("cli", "features.npy"), picture: at("cli", "embedding.html") }],
    });
  });
});
