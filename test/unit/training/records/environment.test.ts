import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { hostname, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeEnvironment } from "../../../../src/training/records/environment.ts";

test("env.json holds versions, machine and what the run says", async () => {
  const folder = mkdtempSync(join(tmpdir(), "msmae-env-"));
  const written = await writeEnvironment(folder, { seed: 3, device: "cpu", threads: 2, dataHash: "abc" });
  const text = readFileSync(join(folder, "env.json"), "utf8");
  rmSync(folder, { recursive: true });
  expect(JSON.parse(text)).toEqual(written);
  const manifest = JSON.parse(readFileSync("package.json", "utf8"));
  expect(written).toMatchObject({
    seed: 3,
    device: "cpu",
    threads: 2,
    dataHash: "abc",
    msmae: manifest.version,
    node: process.versions.node,
  });
  expect(written.onnxruntime).toMatch(/^\d+\.\d+\.\d+/);
  expect(written.sharp).toMatch(/^\d+\.\d+\.\d+/);
  expect(written.cores).toBeGreaterThan(0);
  expect(written.memoryBytes).toBeGreaterThan(2 ** 20);
  expect(written.gitCommit ?? "0".repeat(40)).toMatch(/^[0-9a-f]{40}(-dirty)?$/);
  // The file is shared with others: nothing in it names the machine or the user's folders.
  expect(Object.values(written)).not.toContain(hostname());
  expect(text).not.toContain(process.cwd());
  expect(text).not.toContain(userInfo().homedir);
});
