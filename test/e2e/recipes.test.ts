import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { predict } from "../../src/inference/predict.ts";
import { convert } from "../../src/interop/convert.ts";
import type { PretrainedDescription } from "../../src/interop/model-file.ts";
import { type EncoderPreset, pretrainPresets } from "../../src/method/models/presets.ts";
import { models, writeModel } from "../support/exported.ts";
import { python, withoutPython } from "../support/python.ts";
import { pretrained, writeMicroModel, writePicture } from "./micro-models.ts";
import { runReadmeCommand } from "./readme.ts";
import { writePhantoms } from "./runs.ts";

vi.setConfig({ testTimeout: 600_000, hookTimeout: 240_000 });

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "msmae-recipes-"));
const at = (...parts: string[]) => join(folder, ...parts);
afterAll(() => rmSync(folder, { recursive: true }));

const page = (name: string) => readFileSync(join(root, "docs", `recipe-${name}.md`), "utf8");
const commands = (name: string) => page(name).match(/^npx msmae .*$/gm) ?? [];
const block = (language: string) =>
  new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "s").exec(page("other-programs"))?.[1] ?? "";

/** What makes a command of a page one of seconds; of an option that is given twice the last counts. */
const small: Readonly<Record<string, string>> = {
  knn: " --input-size 32 --k 1,5",
  linprobe: " --input-size 32 --epochs 1 --threads 1",
  finetune: " --input-size 32 --epochs 1 --batch-size 8 --threads 1",
};

function run(command: string): string {
  const verb = command.split(" ")[2] ?? "";
  const named = command.replace(/--model \S+/, "--model vit_micro_patch8");
  const { status, stdout, stderr } = runReadmeCommand(named + (small[verb] ?? ""), folder);
  expect([command, status, status === 0 ? "" : stderr]).toEqual([command, 0, ""]);
  return stdout + stderr;
}

test("docs/recipe-500-images.md: its commands run, from files of MAE's and RETFound's layout", async () => {
  await writePhantoms(at("images"));
  const preset = pretrainPresets.msmae_vit_micro_patch8 as EncoderPreset;
  const config = { ...pretrained.config, ...preset, inputHeight: 32, inputWidth: 32 };
  const description: PretrainedDescription = { ...pretrained, config, classNames: [] };
  await writeMicroModel(at("own.safetensors"), description);
  for (const name of ["mae_pretrain_vit_base.pth", "RETFound_mae_natureCFP.pth"])
    await convert({ checkpoint: at("own.safetensors"), output: at(name), to: "mae" });
  const said = Object.fromEntries(commands("500-images").map((command) => [command, run(command)]));
  expect(Object.keys(said)).toHaveLength(7);
  const saidOf = (part: string) => Object.entries(said).find(([command]) => command.includes(part))?.[1];
  expect(saidOf("inspect")).toContain("mae");
  expect(saidOf("runs/retfound")).toMatch(/RETFound \(MAE\); \d+ tensors fit/);
  expect(saidOf("compare")).toContain("accuracy");
});

describe("docs/recipe-other-programs.md", () => {
  const best = at("runs", "finetune", "best.safetensors");
  let wanted: number[] = [];
  beforeAll(async () => {
    mkdirSync(dirname(best), { recursive: true });
    // Names that JSON escapes, and letters beyond ASCII.
    const classNames = ['"a, b"', "c\\d", "Läsion"];
    await writeModel(best, { ...(models.classifier as (typeof models)[string]), classNames });
    await writePicture(at("image.png"), 0, 61, 45, 3);
    for await (const line of predict({ checkpoint: best, files: [at("image.png")], threads: 1 }))
      if ("probabilities" in line) wanted = Object.values(line.probabilities);
    expect(commands("other-programs")).toHaveLength(2);
    for (const command of commands("other-programs")) run(command);
    expect(existsSync(at("model.onnx")) && existsSync(at("model.safetensors"))).toBe(true);
  });

  const close = (told: readonly number[], tolerance: number) => {
    expect(told).toHaveLength(wanted.length);
    for (const [k, value] of told.entries()) expect(Math.abs(value - (wanted[k] as number))).toBeLessThan(tolerance);
  };

  test("the browser's program says what predict says", async (context) => {
    const ort = await import("onnxruntime-web/wasm");
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(readFileSync(at("model.onnx"))).catch(String);
    if (typeof session === "string") return context.skip(`SKIPPED: onnxruntime-web does not load here (${session})`);
    // Where its packages are found.
    symlinkSync(join(root, "node_modules"), at("node_modules"));
    writeFileSync(at("classify.mjs"), block("js"));
    const { classify } = await import(at("classify.mjs"));
    const { data, info } = await sharp(at("image.png")).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    close(await classify(session, { data, width: info.width, height: info.height }), 1e-5);
  });

  const headers = () =>
    dirname(
      execFileSync(python as string, ["-c", "import openvino; print(openvino.__file__)"], { encoding: "utf8" }).trim(),
    );
  const unavailable = withoutPython("openvino") ?? without("g++");

  test.skipIf(unavailable)(
    `the program in C++ says what predict says${unavailable ? ` SKIPPED: ${unavailable}` : ""}`,
    async () => {
      const openvino = headers();
      const libraries = globSync(join(openvino, "libs", "libopenvino.so.*"));
      writeFileSync(at("predict.cpp"), block("cpp"));
      execFileSync("g++", [
        ...["-std=c++17", "-O0", at("predict.cpp"), "-I", join(openvino, "include"), ...libraries],
        ...[`-Wl,-rpath,${join(openvino, "libs")}`, "-o", at("predict")],
      ]);
      const { data, info } = await sharp(at("image.png")).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const header = Buffer.from(`P6 ${info.width} ${info.height} 255\n`);
      writeFileSync(at("image.ppm"), Buffer.concat([header, data]));
      const said = execFileSync(at("predict"), [at("model.onnx"), at("image.ppm")], { encoding: "utf8" });
      // OpenVINO adds in another order.
      close(said.trim().split("\n").map(Number), 1e-4);
    },
  );

  test("the program in Java says what predict says of files of every form", async (context) => {
    const missing = without("javac") ?? without("mvn");
    if (missing) return context.skip(`SKIPPED: ${missing}`);
    const [fetching = "", running = ""] = page("other-programs").match(/^(mvn|java) .*$/gm) ?? [];
    const shell = (command: string) =>
      spawnSync(command, { cwd: folder, encoding: "utf8", shell: true, timeout: 240_000 });
    const fetched = shell(fetching);
    if (fetched.status !== 0) return context.skip(`SKIPPED: mvn does not get ONNX Runtime here: ${fetched.stdout}`);
    copyFileSync(join(root, "examples", "java", "Classify.java"), at("Classify.java"));

    await sharp(at("image.png")).toColourspace("b-w").toFile(at("grey.png"));
    await sharp(at("image.png")).png({ palette: true }).toFile(at("palette.png"));
    await sharp(at("image.png")).ensureAlpha(0.3).png().toFile(at("transparent.png"));
    await sharp(at("image.png")).jpeg().toFile(at("colours.jpg"));
    const names = ["grey.png", "palette.png", "transparent.png", "colours.jpg"];
    for await (const line of predict({ checkpoint: best, files: names.map((name) => at(name)), threads: 1 })) {
      if (!("probabilities" in line)) throw new Error(JSON.stringify(line));
      const { status, stdout, stderr } = shell(running.replace("image.png", basename(line.path)));
      expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
      const told: Record<string, number> = JSON.parse(stdout);
      expect(Object.keys(told)).toEqual(Object.keys(line.probabilities));
      for (const [name, value] of Object.entries(line.probabilities))
        expect(Math.abs((told[name] ?? Number.NaN) - value), `${line.path}: ${name}`).toBeLessThanOrEqual(1e-5);
    }
  });
});

/** Why a program of the system cannot be run, undefined where it can. */
function without(program: string): string | undefined {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return `there is no ${program}`;
  }
}
