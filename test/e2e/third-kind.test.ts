import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawPhantom } from "../../src/experiments/phantom/draw-phantom.ts";
import { attentionMaps } from "../../src/inference/attention-maps.ts";
import { evaluate } from "../../src/inference/evaluate.ts";
import { registerModel } from "../../src/inference/outcomes/registry.ts";
import { predict } from "../../src/inference/predict.ts";
import { inspect } from "../../src/interop/inspect.ts";
import { RandomStream } from "../../src/support/random.ts";
import { run } from "../cli/fakes.ts";
import { colourKind } from "../support/colour-model.ts";
import { colours, trainColours } from "../support/colour-task.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-third-"));
const at = (...names: string[]) => join(folder, ...names);
const images = at("images");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SIDE = 16;
const size = { inputSize: { height: SIDE, width: SIDE } };
const training = {
  dataPath: images,
  ...size,
  threads: 1,
  workers: 1,
  seed: 1,
  outputDir: at("run"),
  epochs: 12,
  batchSize: 8,
  lr: 2e-2,
  cropMinScale: 0.9,
} as const;

/** Phantoms, tinted from blue to red; their names tell how red they are. */
async function writeTinted(split: string, count: number): Promise<void> {
  for (const name of ["ring", "disc"]) mkdirSync(join(images, split, name), { recursive: true });
  const stream = RandomStream.for(2, "phantom", split.length);
  for (let i = 0; i < count; i++) {
    const kind = i % 2 ? "ring" : "disc";
    const { pixels } = drawPhantom(SIDE * 2, kind, RandomStream.for(2, "phantom", split.length, i));
    const red = Number(stream.uniform().toFixed(2));
    const tinted = Uint8Array.from({ length: pixels.length * 3 }, (_, k) => {
      const level = 80 + (pixels[Math.floor(k / 3)] as number) / 2;
      return level * ([red, 0.5, 1 - red][k % 3] as number);
    });
    const raw = { width: SIDE * 2, height: SIDE * 2, channels: 3 } as const;
    await sharp(tinted, { raw })
      .png()
      .toFile(join(images, split, kind, `${i}-${red}.png`));
  }
}

beforeAll(async () => {
  registerModel(colourKind, colours);
  for (const [split, count] of [
    ["train", 64],
    ["val", 16],
    ["test", 24],
  ] as const)
    await writeTinted(split, count);
});

const evaluationOf = (checkpoint: string) => ({ dataPath: images, checkpoint, threads: 1, workers: 1 }) as const;

describe("a kind of model and a task of a library user's own", () => {
  let trained: Awaited<ReturnType<typeof trainColours>>;

  test("train in the ordinary loop, to a run like any other", async () => {
    trained = await trainColours(training);
    expect(trained.n).toBe(24);
    // Guessing one half gives 0.25.
    expect(trained.mae).toBeLessThan(0.08);
    const files = readdirSync(at("run"));
    for (const name of [
      "best.safetensors",
      "last.safetensors",
      "log.txt",
      "metrics.json",
      "config.yaml",
      "README.md",
    ]) {
      expect(files).toContain(name);
    }
    expect(readFileSync(at("run", "README.md"), "utf8")).toContain("Telling how red a phantom is.");
    expect(readFileSync(at("run", "log.txt"), "utf8")).toMatch(/"test_mae":/);
  });

  test("stop, go on and give the same bytes as without a stop", async () => {
    const controller = new AbortController();
    const stopped = trainColours(
      { ...training, outputDir: at("halves") },
      {
        signal: controller.signal,
        onEvent: (event) => void (event.type === "step" && event.step === 20 && controller.abort(new Error("enough"))),
      },
    );
    await expect(stopped).rejects.toThrow(/everything is saved/);
    await trainColours({ ...training, outputDir: at("halves"), resume: at("halves") });
    expect(readFileSync(at("halves", "last.safetensors"))).toEqual(readFileSync(at("run", "last.safetensors")));
  });

  test("describe themselves in their checkpoint", async () => {
    const { kind, inputSize, details } = await inspect({ checkpoint: trained.checkpoint });
    expect([kind, inputSize, details.hidden]).toEqual(["colour", { height: SIDE, width: SIDE }, 8]);
  });

  test("are evaluated by the verb that evaluates all, with a report", async () => {
    const result: object = await evaluate({ ...evaluationOf(trained.checkpoint), outputDir: at("evaluation") });
    expect(result).toMatchObject({ n: 24, mae: trained.mae, unreadable: 0, split: "test" });
    const [head, first] = readFileSync(at("evaluation", "predictions.csv"), "utf8").split("\n");
    expect(head).toBe("path,red,predicted");
    expect(first).toMatch(/^test\/disc\/\d+-(0\.\d+)\.png,\1\d*,/);
    const report = readFileSync(at("evaluation", "report.html"), "utf8");
    expect(report).toContain("How well it tells the colour: 24 test images");
    expect(report).not.toContain("Attention maps");
  });

  test("predict", async () => {
    const files = ["disc", "ring"].flatMap((kind) =>
      readdirSync(join(images, "test", kind)).map((name) => join(images, "test", kind, name)),
    );
    const lines = [];
    for await (const line of predict({ checkpoint: trained.checkpoint, files, threads: 1 })) lines.push(line as object);
    expect(lines).toHaveLength(24);
    const errors = lines.map((line, i) => {
      const { red } = line as { red: number };
      return Math.abs(red - Number(/-([\d.]+)\.png/.exec(files[i] as string)?.[1]));
    });
    expect(errors.reduce((a, b) => a + b, 0) / 24).toBeCloseTo(trained.mae, 6);
  });

  test("are shown by the command line, which knows nothing of them", async () => {
    const file = join(images, "test", "ring", readdirSync(join(images, "test", "ring"))[0] as string);
    const argv = ["predict", "--checkpoint", trained.checkpoint, "--threads", "1", file];
    const predicted = await run(argv, { predict });
    expect(predicted).toMatchObject({ code: 0 });
    expect(predicted.stdout).toMatch(/^.*\.png {2}red +-?[\d.]+\n$/);
    const measured = await run(["eval", "--checkpoint", trained.checkpoint, "--data-path", images, "--threads", "1"], {
      evaluate,
    });
    expect(measured.stdout).toMatch(/mae +0\.0\d+/);
  });

  test("have no attention to look at, which is said", async () => {
    const looking = attentionMaps({
      checkpoint: trained.checkpoint,
      files: [images],
      outputDir: at("maps"),
      threads: 1,
    });
    await expect(looking.next()).rejects.toMatchObject({ code: "Checkpoint", message: /a model of colours/ });
  });
});
