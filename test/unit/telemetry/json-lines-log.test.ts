import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { JsonLinesLog } from "../../../src/training/telemetry/json-lines-log.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "msmae-log-"));
  path = join(folder, "log.txt");
});
afterEach(() => rmSync(folder, { recursive: true }));

const contents = (): string => readFileSync(path, "utf8");

test("one line per epoch; opening again appends", async () => {
  const first = await JsonLinesLog.open(path);
  await first.append({ epoch: 0, train_loss: 0.5 });
  await first.close();
  const second = await JsonLinesLog.open(path);
  await second.append({ epoch: 1, train_loss: Number.NaN });
  await second.close();
  expect(contents()).toBe('{"epoch":0,"train_loss":0.5}\n{"epoch":1,"train_loss":null}\n');
});

test("a line is in the file before append resolves", async () => {
  const log = await JsonLinesLog.open(path);
  await log.append({ epoch: 0 });
  expect(contents()).toBe('{"epoch":0}\n');
  await log.close();
});

test("a last line cut short by a crash is removed", async () => {
  writeFileSync(path, '{"epoch":0}\n{"epoch":1,"train_lo');
  const log = await JsonLinesLog.open(path);
  await log.append({ epoch: 1 });
  await log.close();
  expect(contents()).toBe('{"epoch":0}\n{"epoch":1}\n');
});

test("a whole last line that only lacks its line break is kept", async () => {
  writeFileSync(path, '{"epoch":0}\n{"epoch":1}');
  const log = await JsonLinesLog.open(path);
  await log.append({ epoch: 2 });
  await log.close();
  expect(contents()).toBe('{"epoch":0}\n{"epoch":1}\n{"epoch":2}\n');
});

test("resuming at an epoch removes the lines of that epoch and later, and no others", async () => {
  writeFileSync(path, '{"epoch":0}\n{"note":"by hand"}\n{"epoch":1}\n{"epoch":2}\n');
  const log = await JsonLinesLog.open(path, { fromEpoch: 1 });
  await log.close();
  expect(contents()).toBe('{"epoch":0}\n{"note":"by hand"}\n');
});

test("a missing folder is a Data error that names the path", async () => {
  await expect(JsonLinesLog.open(join(folder, "none", "log.txt"))).rejects.toMatchObject({
    code: "Data",
    parts: { where: join(folder, "none", "log.txt") },
  });
});
