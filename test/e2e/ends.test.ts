import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classifier, pretrained, writeMicroModel, writePicture } from "./micro-models.ts";
import { type Ended, finetuning, flags, pretraining, startMsmae, writePhantoms } from "./runs.ts";
import { segmenter } from "./segmentation/masked.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-ends-"));
const at = (name: string) => join(folder, name);
// Wide images and few weights: nearly all of the time is spent inside ONNX Runtime.
const config = { inputHeight: 256, inputWidth: 256, patchSize: 8, embedDim: 48, depth: 3, numHeads: 4 };
const files = Array.from({ length: 12 }, (_, i) => at(`${i}.png`));
let phantoms = "";

beforeAll(async () => {
  await writeMicroModel(at("classifier.safetensors"), {
    ...classifier,
    config: { ...classifier.config, ...config },
  });
  await writeMicroModel(at("pretrained.safetensors"), {
    ...pretrained,
    config: { ...pretrained.config, ...config },
  });
  const outlining = segmenter(["lesion"]);
  await writeMicroModel(at("segmenter.safetensors"), { ...outlining, config: { ...outlining.config, ...config } });
  for (const [seed, file] of files.entries()) await writePicture(file, seed);
  phantoms = await writePhantoms(at("phantoms"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** How a process ended that closes `stream` itself once `enough` has come from it. */
function msmaeReadTo(stream: "stdout" | "stderr", enough: RegExp, ...argv: string[]): Promise<Ended> {
  const { child, ended } = startMsmae(...argv);
  let text = "";
  child[stream]?.on("data", (chunk: Buffer) => {
    text += chunk;
    if (enough.test(text)) child[stream]?.destroy();
  });
  return ended;
}

const inference: [verb: string, checkpoint: string, more: string[]][] = [
  ["predict", "classifier.safetensors", []],
  ["predict", "segmenter.safetensors", ["--output-dir", at("masks")]],
  ["maps", "classifier.safetensors", ["--output-dir", at("maps")]],
  ["reconstruct", "pretrained.safetensors", ["--output-dir", at("reconstructions")]],
];

test.concurrent.each(inference)(
  "%s with %s ends with 0 and without a word once the reader of its lines has left",
  async (verb, checkpoint, more) => {
    const argv = [verb, "--checkpoint", at(checkpoint), "--batch-size", "1", "--quiet", ...more, ...files];
    const { code, signal, stderr } = await msmaeReadTo("stdout", /\n/, ...argv);
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
    const output = more[1];
    // It stopped early, and left no file half written.
    if (output !== undefined) {
      const perImage = verb === "predict" ? 2 : 1;
      expect(readdirSync(output).length).toBeLessThan(perImage * files.length);
      expect(readdirSync(output).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    }
  },
);

test("without a reader of its messages a verb finishes, results and all", async () => {
  const argv = ["predict", "--checkpoint", at("classifier.safetensors"), "--batch-size", "4", ...files];
  const { code, stdout } = await msmaeReadTo("stderr", /prediction/, ...argv);
  expect(code).toBe(0);
  expect(stdout.trimEnd().split("\n")).toHaveLength(files.length);
});

test.skipIf(!existsSync("/dev/full"))("a full disk under the results ends a verb with 2 and one line", async () => {
  const script = '"$@" >/dev/full';
  const argv = ["predict", "--checkpoint", at("classifier.safetensors"), "--batch-size", "1", "--quiet", ...files];
  const { code, stderr } = await run("bash", ["-c", script, "bash", ...commandLine(...argv)]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error\[Config\]: .*got a full disk.*\n$/);
});

test.skipIf(process.platform === "win32")("closed from the start, neither stdout nor stderr is missed", async () => {
  const argv = commandLine("predict", "--checkpoint", at("classifier.safetensors"), ...files.slice(0, 2));
  const [out, err] = await Promise.all(
    ['"$@" >&-', '"$@" 2>&-'].map((script) => run("bash", ["-c", script, "bash", ...argv])),
  );
  expect(out).toMatchObject({ code: 0, stdout: "" });
  expect(err).toMatchObject({ code: 0, stderr: "" });
  expect(err?.stdout.trimEnd().split("\n")).toHaveLength(2);
});

describe("a program that uses the library", () => {
  test.concurrent.each([
    ["exit at once", 7, ""],
    ["exit", 7, ""],
    ["throw", 1, "nobody catches this"],
    ["abort", 9, ""],
    ["break and end by itself", 0, ""],
  ])("%s", async (end, code, words) => {
    const script = join(import.meta.dirname, "library-user.ts");
    const ended = await run(process.execPath, [script, end, at("classifier.safetensors"), ...files]);
    expect(ended, ended.stderr).toMatchObject({ code, signal: null });
    expect(ended.stderr).not.toContain("terminate called");
    if (words === "") expect(ended.stderr).toBe("");
    else expect(ended.stderr).toContain(words);
  });
});

const trainings = [
  ["pretrain", "SIGTERM"],
  ["finetune", "SIGHUP"],
] as const;

describe.skipIf(process.platform === "win32")("signals", () => {
  test.each(trainings)(
    "%s ends by %s with 130 and its state saved, though it comes twice at once",
    async (verb, signal) => {
      const outputDir = at(`${verb}-stopped`);
      const input = verb === "pretrain" ? pretraining(phantoms, outputDir) : finetuning(phantoms, outputDir);
      const { child, ended } = startMsmae(verb, ...flags({ ...input, epochs: 500, saveEvery: 500 }));
      await trained(outputDir, child);
      child.kill(signal);
      child.kill("SIGTERM");
      const { code, stderr } = await ended;
      expect(code, stderr).toBe(130);
      expect(stderr).toContain(`--resume ${outputDir}`);
      expect(existsSync(join(outputDir, "last.safetensors"))).toBe(true);
    },
  );

  test("the first signal asks, what follows at once is its echo, a later one ends the process, for a shell with 130", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "stubborn-run.ts")], { stdio: "pipe" });
    const ended = endOf(child);
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    await once(child.stderr, "data");
    child.kill("SIGHUP");
    await setTimeout(600);
    expect(child.exitCode ?? child.signalCode).toBe(null);
    child.kill("SIGTERM");
    const { signal, stderr } = await ended;
    expect(signal).toBe("SIGINT");
    expect(stderr.match(/stopping after the step in hand/g)).toHaveLength(1);
  });
});

describe.skipIf(process.platform === "win32")("limits of the machine", () => {
  const limited = (files: number, ...argv: string[]) =>
    run("bash", ["-c", `ulimit -n ${files}; exec "$@"`, "bash", ...argv]);

  test.concurrent("without a descriptor left, no image counts as unreadable: the epoch ends, and later ones are whole", async () => {
    const pictures = join(phantoms, "val", readdirSync(join(phantoms, "val"))[0] as string);
    const count = readdirSync(pictures).length;
    const script = [process.execPath, join(import.meta.dirname, "starved.ts"), "0", pictures];
    const { code, stdout, stderr } = await limited(128, ...script);
    expect(code, stderr).toBe(0);
    const advice = expect.stringMatching(/^Device: .*EMFILE.*raise the limit of open files/);
    expect(JSON.parse(stdout)).toEqual({ outcomes: [advice, advice], warnings: [], afterwards: count });
  });

  test.concurrent.each([28, 40])("with %i descriptors a verb works or says what is missing", async (count) => {
    const argv = ["predict", "--checkpoint", at("classifier.safetensors"), ...files.slice(0, 2)];
    const { code, signal, stderr } = await limited(count, ...commandLine(...argv));
    expect(signal, stderr).toBe(null);
    expect([0, 3, 5]).toContain(code);
    expect(stderr).not.toMatch(/Internal|^ {4}at /m);
    if (code === 5) expect(stderr).toMatch(/^error\[Device\]: .*ulimit -n/m);
  });

  test.concurrent("without home, temporary folder or UTF-8 locale nothing changes, and nothing is left where it runs", async () => {
    const cwd = mkdtempSync(join(folder, "cwd-"));
    const env = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MSMAE_|HOME$|LANG|LC_)/.test(name))),
      XDG_CACHE_HOME: "cache",
      TMPDIR: join(folder, "none"),
      LC_ALL: "C",
    };
    const [command = "", ...argv] = commandLine("data", "stats", phantoms, "--json", "--slices", "all");
    const { code, stderr } = await endOf(spawn(command, argv, { cwd, env, stdio: ["ignore", "pipe", "pipe"] }));
    expect(code, stderr).toBe(0);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

/** Waits until a run has logged an epoch. */
async function trained(outputDir: string, child: { exitCode: number | null }): Promise<void> {
  const log = join(outputDir, "log.txt");
  while (child.exitCode === null && !(existsSync(log) && readFileSync(log, "utf8").includes("\n"))) await setTimeout(5);
}

function commandLine(...argv: string[]): string[] {
  return [process.execPath, join(import.meta.dirname, "../../src/apps/cli/main.ts"), ...argv];
}

function run(command: string, argv: string[]): Promise<Ended> {
  return endOf(spawn(command, argv, { stdio: ["ignore", "pipe", "pipe"] }));
}

function endOf(child: ChildProcess): Promise<Ended> {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (chunk: Buffer) => {
      texts[name] += chunk;
    });
  }
  return new Promise((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, ...texts }));
  });
}
