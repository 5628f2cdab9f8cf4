import { spawnSync } from "node:child_process";
import { existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { z } from "zod";
import { infoOf } from "../../src/config/fields.ts";
import { verbs } from "../../src/config/index.ts";
import { toKebabCase } from "../../src/config/names.ts";

const verbNames = Object.values(verbs).map(({ name }) => name);

const root = join(import.meta.dirname, "..", "..");

/** Runs the real entry in a process of its own. */
function msmae(...argv: string[]): { code: number | null; stdout: string; stderr: string } {
  const result = spawnSync(process.execPath, [join(root, "src/apps/cli/main.ts"), ...argv], {
    encoding: "utf8",
    cwd: root,
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

test.each(Object.values(verbs))("$name --help shows every option and an example", ({ name: verb, schema }) => {
  const { code, stdout, stderr } = msmae(...verb.split(" "), "--help");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`Example:\\n {2}\\$ msmae ${verb} `));
  for (const [name, field] of Object.entries<z.ZodType>(schema.shape)) {
    if (infoOf(field).positional) continue;
    expect(stdout).toContain(`--${toKebabCase(name)}`);
  }
  expect(stdout).toContain("--json");
});

test("the program's own help lists every verb, and --version prints the package's", () => {
  const { code, stdout } = msmae("--help");
  expect(code).toBe(0);
  for (const verb of verbNames.filter((name) => !name.includes(" "))) {
    expect(stdout).toMatch(new RegExp(`^ {2}${verb} `, "m"));
  }
  const group = msmae("data", "--help");
  for (const verb of verbNames.filter((name) => name.startsWith("data "))) {
    expect(group.stdout).toMatch(new RegExp(`^ {2}${verb.slice("data ".length)} `, "m"));
  }
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  expect(msmae("--version").stdout).toBe(`${manifest.version}\n`);
});

test.each([
  [["pretran"], "error[Config]: pretran: expected one of demo, pretrain,", "did you mean pretrain?"],
  [
    ["pretrain", "--mask_ration", "0.3"],
    "error[Config]: --mask-ration: expected an option of msmae pretrain",
    "did you mean --mask-ratio?",
  ],
  [["pretrain", "--epochs"], "error[Config]: --epochs: expected a value, got nothing", "see msmae pretrain --help"],
  [["inspect", "a", "b"], "error[Config]: inspect: expected flags only", "see msmae inspect --help"],
  [
    ["demo", "--config", "/no/such.yaml"],
    "error[Config]: --config: expected a readable YAML file",
    "name a configuration",
  ],
  [
    ["eval", "--json"],
    "error[Config]: checkpoint: expected a file, got nothing",
    "error[Config]: dataPath: expected a path",
  ],
])("usage error of %j: exit code 2, nothing on stdout, no stack", (argv, start, also) => {
  const { code, stdout, stderr } = msmae(...argv);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.startsWith(start)).toBe(true);
  expect(stderr).toContain(also);
  expect(stderr).not.toContain("    at ");
});

test("no command at all shows the help on stderr and exits 2", () => {
  const { code, stdout, stderr } = msmae();
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("Usage: msmae");
  expect(stderr).toContain("error[Config]: msmae: expected one of demo");
});

test("every problem of a configuration has its own line", () => {
  const { code, stderr } = msmae("pretrain", "--epochs", "x", "--mask-ratio", "0.9", "--input-size", "30");
  expect(code).toBe(2);
  const places = stderr
    .trimEnd()
    .split("\n")
    .map((line) => /^error\[Config\]: ([^:]+): expected /.exec(line)?.[1]);
  expect(places.sort()).toEqual(["dataPath", "epochs", "inputSize", "maskRatio, throwRatio", "outputDir"]);
});

test.skipIf(!existsSync("/dev/full"))("a full disk under stdout is told on stderr and ends with exit code 2", () => {
  const argv = [join(root, "src/apps/cli/main.ts"), "--help"];
  const result = spawnSync(process.execPath, argv, {
    encoding: "utf8",
    stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
  });
  expect(result.status).toBe(2);
  expect(result.stderr).toMatch(/^error\[Config\]: .*got a full disk/);
});

test.skipIf(process.platform === "win32")("a reader that closes the pipe ends the program quietly", () => {
  const main = join(root, "src/apps/cli/main.ts");
  const script = `"$1" "$2" pretrain --help | true; echo "\${PIPESTATUS[0]}"`;
  const result = spawnSync("bash", ["-c", script, "bash", process.execPath, main], { encoding: "utf8" });
  expect(result).toMatchObject({ stdout: "0\n", stderr: "" });
});
