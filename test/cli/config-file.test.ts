import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfigFile } from "../../src/apps/cli/config-file.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-config-"));
const windows = process.platform === "win32";

beforeAll(() => {
  writeFileSync(join(folder, "good.yaml"), "epochs: 3 # l\u00e9sion\n");
  writeFileSync(join(folder, "latin.yaml"), Buffer.from("outputDir: l\u00e9sion", "latin1"));
  writeFileSync(join(folder, "utf-16.yaml"), Buffer.from("\ufeffepochs: 3", "utf16le"));
  writeFileSync(join(folder, "large.yaml"), "");
  truncateSync(join(folder, "large.yaml"), 2 ** 33);
  if (!windows) execFileSync("mkfifo", [join(folder, "pipe")]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a configuration is read as UTF-8", async () => {
  const path = join(folder, "good.yaml");
  expect(await readConfigFile(path)).toEqual({ file: "epochs: 3 # l\u00e9sion\n", fileName: path });
  expect(await readConfigFile(undefined)).toEqual({});
});

const refused: [name: string, words: string][] = [
  ["latin.yaml", "no UTF-8 text"],
  ["utf-16.yaml", "no UTF-8 text"],
  ["large.yaml", "8589934592 bytes"],
  ["none.yaml", "ENOENT"],
  ["", "a folder"],
];
if (!windows) refused.push(["pipe", "a named pipe"]);

test.each(refused)("--config %s is refused: %s", async (name, words) => {
  const message = expect.stringMatching(new RegExp(`^--config: expected a readable YAML file, got .*\\(.*${words}`));
  const fault = expect.objectContaining({ code: "Config", message });
  await expect(readConfigFile(join(folder, name))).rejects.toThrow(fault);
});
