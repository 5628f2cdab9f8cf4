import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { JsonLinesLog } from "../../../../src/training/records/json-lines-log.ts";

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

test("going on with the records of an epoch removes the lines of others, and nothing else", async () => {
  const lines = ['{"epoch":0,"train_loss":0.5,"train_epoch_seconds":7}', '{"note":"by hand"}', '{"epoch":1}'];
  writeFileSync(path, `${lines.join("\n")}\n`);
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const log = await JsonLinesLog.open(path, { records: [{ epoch: 0, train_loss: 0.5 }], onWarning });
  await log.append({ epoch: 1, train_loss: Number.NaN, train_step_share: 0.9 });
  await log.close();
  expect(contents()).toBe(`${lines[0]}\n${lines[1]}\n{"epoch":1,"train_loss":null,"train_step_share":0.9}\n`);
  expect(log.lastRecord).toMatchObject({ train_epoch_seconds: 7 });
  expect(log.records).toEqual([
    { epoch: 0, train_loss: 0.5 },
    { epoch: 1, train_loss: null },
  ]);
  expect(warnings).toEqual([]);
});

test.each([
  ["an altered figure", '{"epoch":0,"train_loss":0.5,"train_epoch_seconds":7}\n{"epoch":1,"train_loss":0.35}\n'],
  ["an altered name", '{"epoch":0,"train_loss":0.5,"train_epoch_seconds":7}\n{"dpoch":1,"train_loss":0.25}\n'],
  ["a lost line", '{"epoch":0,"train_loss":0.5,"train_epoch_seconds":7}\n'],
  ["a line that is none", '{"epoch":0,"train_loss":0.5,"train_epoch_seconds":7}\n{"epoch":1,"train_lo}\n'],
])("%s is mended from the records; the file as it was is kept", async (_, damaged) => {
  writeFileSync(path, damaged);
  const warnings: string[] = [];
  const records = [
    { epoch: 0, train_loss: 0.5 },
    { epoch: 1, train_loss: 0.25 },
  ];
  const log = await JsonLinesLog.open(path, { records, onWarning: (message) => warnings.push(message) });
  await log.close();
  expect(contents()).toBe('{"epoch":0,"train_loss":0.5,"train_epoch_seconds":7}\n{"epoch":1,"train_loss":0.25}\n');
  expect(readFileSync(join(folder, "log.damaged.txt"), "utf8")).toBe(damaged);
  expect(warnings).toEqual([expect.stringContaining("log.txt is not as it was written")]);
});

test("a missing log is written from the records", async () => {
  const warnings: string[] = [];
  const records = [{ epoch: 0, train_loss: 0.5 }];
  const log = await JsonLinesLog.open(path, { records, onWarning: (message) => warnings.push(message) });
  await log.close();
  expect(contents()).toBe('{"epoch":0,"train_loss":0.5}\n');
  expect(warnings).toEqual([expect.stringContaining("log.txt is missing")]);
});

test("a missing folder is a Data error that names the path", async () => {
  await expect(JsonLinesLog.open(join(folder, "none", "log.txt"))).rejects.toMatchObject({
    code: "Data",
    parts: { where: join(folder, "none", "log.txt") },
  });
});
