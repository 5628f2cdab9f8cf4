import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { digests, finetuning, flags, msmae, writePhantoms } from "../e2e/runs.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const program = join(import.meta.dirname, "../../dist/program/main.js");
const folder = mkdtempSync(join(tmpdir(), "msmae-program-"));
const at = (...names: string[]): string => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the command line as it is installed: what was built last. */
function installed(argv: readonly string[], nodeFlags: readonly string[] = []) {
  expect(existsSync(program), "a build: npm run build").toBe(true);
  return spawnSync(process.execPath, [...nodeFlags, program, ...argv], { encoding: "utf8" });
}

/** Counts the modules that a process loads, and says so in its last line. */
const counting = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  let count = 0;
  registerHooks({ load: (url, context, next) => (count++, next(url, context)) });
  process.on("exit", () => console.log(count));
`)}`;

test("help is the one of the sources, from few modules", () => {
  const { stdout, status } = installed(["--help"], ["--import", counting]);
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(Number(lines.pop())).toBeLessThan(100);
  expect(lines.join("\n").trimEnd()).toBe(msmae("--help").stdout.trimEnd());
});

describe("the program", () => {
  const options = { ...finetuning(at("data"), at("run")), epochs: 1, threads: 2 };
  beforeAll(() => writePhantoms(at("data")));

  test("trains in its threads what the sources train", () => {
    const { status, stderr } = installed(["finetune", ...flags(options)]);
    expect(status, stderr).toBe(0);
    const sources = msmae("finetune", ...flags({ ...options, outputDir: at("sources") }));
    expect(sources.code, sources.stderr).toBe(0);
    expect(digests(at("run"))).toEqual(digests(at("sources")));
  });

  test.each([
    ["predict", () => ["--checkpoint", at("run", "best.safetensors"), at("data", "test")]],
    ["inspect", () => [at("run", "last.safetensors")]],
    ["data check", () => [at("data")]],
    ["data show", () => globSync(at("data", "test", "*", "*.png")).slice(0, 1)],
  ])("%s says what the sources say", (verb, rest) => {
    const argv = ["--json", ...verb.split(" "), ...rest()];
    const { status, stdout, stderr } = installed(argv);
    const expected = msmae(...argv);
    const withoutTime = (text: string) => text.replace(/"seconds":[\d.]+/, "");
    expect(withoutTime(stdout), stderr).toBe(withoutTime(expected.stdout));
    expect(status).toBe(expected.code);
  });

  test("an error is told as one of msmae, whichever file it comes from", () => {
    const { status, stderr } = installed(["predict", "--checkpoint", at("nothing.safetensors"), at("data", "test")]);
    expect(stderr).toMatch(/^error\[Checkpoint\]: /);
    expect(status).toBe(msmae("predict", "--checkpoint", at("nothing.safetensors"), at("data", "test")).code);
  });
});
