import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { formatDuration, formatRecord } from "../../src/apps/cli/output.ts";
import { createProgress } from "../../src/apps/cli/progress.ts";
import type { RunEvent } from "../../src/support/events.ts";

/** Plays events at given times (seconds) and returns what was written. */
function play(events: [number, RunEvent][], settings: { quiet?: boolean; isTTY?: boolean } = {}): string {
  const stream = Object.assign(new PassThrough(), { isTTY: settings.isTTY ?? false });
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  let time = 0;
  const progress = createProgress({ stream, quiet: settings.quiet ?? false, now: () => time });
  for (const [seconds, event] of events) {
    time = seconds * 1000;
    progress.handle(event);
  }
  progress.stop();
  return text;
}

const step = (number: number): RunEvent => ({
  type: "step",
  epoch: 1,
  step: number,
  totalSteps: 200,
  loss: 0.123456,
  lr: 2.5e-4,
  imagesPerSecond: 61.26,
});

test("plain lines: at most one in ten seconds, with the pace since the first step of this process", () => {
  const text = play([
    [0, { type: "start", verb: "pretrain", totalSteps: 200, totalEpochs: 4 }],
    [10, step(101)],
    [12, step(102)],
    [20, step(111)],
    [21, { type: "epoch", epoch: 1, metrics: { trainLoss: 0.25 } }],
    [22, { type: "checkpoint", path: "run/last.safetensors" }],
  ]);
  expect(text.split("\n")).toEqual([
    "pretrain: 4 epochs, 200 steps",
    "epoch 2/4 step 101/200: loss 0.1235 · lr 2.50e-4 · 61.3 images/s · unknown left",
    "epoch 2/4 step 111/200: loss 0.1235 · lr 2.50e-4 · 61.3 images/s · 1m29s left",
    "epoch 2/4 done: trainLoss 0.25",
    "saved run/last.safetensors",
    "",
  ]);
});

test("a second training in one run has a pace of its own", () => {
  const other = (number: number): RunEvent => ({ ...(step(number) as RunEvent & { type: "step" }), totalSteps: 20 });
  const text = play([
    [0, { type: "start", verb: "pretrain", totalSteps: 200, totalEpochs: 4 }],
    [10, step(200)],
    [20, { type: "start", verb: "finetune", totalSteps: 20, totalEpochs: 2 }],
    [30, other(1)],
    [40, other(2)],
  ]);
  expect(text).toContain("epoch 2/2 step 1/20: loss 0.1235 · lr 2.50e-4 · 61.3 images/s · unknown left\n");
  expect(text).toContain("step 2/20: loss 0.1235 · lr 2.50e-4 · 61.3 images/s · 3m00s left\n");
});

test("plain lines of a phase: its begin, every ten seconds, its end", () => {
  const text = play([
    [0, { type: "phase", name: "attention maps", total: 300 }],
    [5, { type: "phase-progress", done: 100 }],
    [11, { type: "phase-progress", done: 200 }],
    [12, { type: "phase-progress", done: 300 }],
  ]);
  expect(text).toBe("attention maps: 0/300\nattention maps: 200/300\nattention maps: 300/300\n");
});

test("--quiet keeps warnings and nothing else", () => {
  const text = play(
    [
      [0, step(1)],
      [0, { type: "warning", message: "1 image skipped" }],
    ],
    { quiet: true },
  );
  expect(text).toBe("warning: 1 image skipped\n");
});

test("on a terminal, events do not fail and warnings stay visible", () => {
  const text = play(
    [
      [0, { type: "start", verb: "pretrain", totalSteps: 200, totalEpochs: 4 }],
      [0, step(1)],
      [1, { type: "phase", name: "attention maps", total: 2 }],
      [2, { type: "phase-progress", done: 1 }],
      [3, { type: "warning", message: "1 image skipped" }],
      [3, { type: "phase-progress", done: 2 }],
      [4, { type: "epoch", epoch: 0, metrics: { trainLoss: 0.5 } }],
    ],
    { isTTY: true },
  );
  expect(text).toContain("warning: 1 image skipped");
  expect(text).toContain("trainLoss 0.5");
});

test("durations and records are short", () => {
  expect([0.4, 59, 61, 3599, 7500].map(formatDuration)).toEqual(["0s", "59s", "1m01s", "59m59s", "2h05m"]);
  expect(formatRecord({ a: { full: 0.123456, masked: 2 }, list: [1, 2.00001], none: undefined })).toEqual([
    "a.full    0.1235",
    "a.masked  2",
    "list      1, 2",
  ]);
});
