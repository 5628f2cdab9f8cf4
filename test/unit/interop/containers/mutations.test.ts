import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { TensorFile } from "../../../../src/interop/containers/container.ts";
import { readTensorFile } from "../../../../src/interop/tensor-file.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { call, dict, int, join, list, none, object, pickle, str, tuple } from "../../../support/pickle-writer.ts";
import { bytesOf, tensor, torchLegacy, torchZip } from "../../../support/torch-writer.ts";

const folder = mkdtempSync(joinPath(tmpdir(), "msmae-mutations-"));
afterAll(() => rmSync(folder, { recursive: true }));

const values = bytesOf(Float32Array.from({ length: 24 }, (_, index) => index));
const view = { storage: "FloatStorage", key: "0", elements: 24, shape: [4, 6], strides: [6, 1] };

function rootOf(view_: typeof view & { view?: string }): Uint8Array {
  const weights = dict({
    "blocks.0.weight": tensor(view_),
    "blocks.0.turned": tensor({ ...view_, shape: [6, 4], strides: [1, 6] }),
    "blocks.0.bias": call(
      "torch._utils",
      "_rebuild_parameter",
      tensor({ ...view_, shape: [3], strides: [2] }),
      "\x88",
      none,
    ),
  });
  const args = object("argparse", "Namespace", dict({ model: str("vit"), sizes: list(int(1), tuple(int(-5)), none) }));
  return dict({ model: join(weights, "q\x05"), args, again: "h\x05", epoch: int(7), large: int(2 ** 40) });
}

const root = rootOf(view);
const archive = torchZip(root, { 0: values });
const legacy = torchLegacy(rootOf({ ...view, view: none }), { 0: [24, values] });

/** Numbers that stand for too much, too little and nothing. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff];

function mutated(bytes: Uint8Array, draws: RandomStream): Uint8Array {
  let copy = Uint8Array.from(bytes);
  const at = () => draws.integer(0, copy.length - 1);
  for (let count = draws.integer(1, 2); count > 0; count--) {
    const from = at();
    const to = Math.min(copy.length, from + draws.integer(1, 40));
    switch (draws.integer(0, 9)) {
      case 0:
        copy[from] = draws.integer(0, 255);
        break;
      case 1:
        copy[from] = (copy[from] as number) ^ (1 << draws.integer(0, 7));
        break;
      case 2:
        copy.fill(EXTREMES[draws.integer(0, EXTREMES.length - 1)] as number, from, Math.min(to, from + 4));
        break;
      case 3:
        copy = join(copy.subarray(0, from), copy.subarray(to));
        break;
      case 4:
        copy = join(copy.subarray(0, to), copy.subarray(from));
        break;
      case 5:
        copy = join(copy.subarray(0, Math.max(1, from)));
        break;
      default:
        // One wrong byte more often than all else: most of it is still read.
        copy[from] = draws.integer(0, 255);
    }
    if (copy.length === 0) return copy;
  }
  return copy;
}

test("1,000 altered files give tensors or a named error, in bounded time and memory", async () => {
  const path = joinPath(folder, "altered");
  const outcomes = new Map<string, number>();
  let slowest = 0;
  for (let index = 0; index < 1000; index++) {
    const draws = RandomStream.for(14, "phantom", index);
    const files = [
      () => mutated(archive, draws),
      () => mutated(legacy, draws),
      // With the checksum of what it became, so that it is unpickled.
      () =>
        torchZip(root, { 0: values }, { more: [{ name: "archive/data.pkl", bytes: mutated(pickle(root), draws) }] }),
    ];
    const bytes = (files[index % files.length] as () => Uint8Array)();
    writeFileSync(path, bytes);
    const start = process.cpuUsage();
    const outcome: unknown = await readTensorFile(path).catch((error: unknown) => error);
    // Processor time: what else the machine does is no fault of the reader.
    const { user, system } = process.cpuUsage(start);
    slowest = Math.max(slowest, user + system);
    const kind = outcome instanceof Error ? "error" : "tensors";
    outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    if (kind === "error") {
      if (!(outcome instanceof MsmaeError)) throw new Error(`file ${index}`, { cause: outcome });
      expect([outcome.code, outcome.parts.where.startsWith(path)]).toEqual(["Checkpoint", true]);
      continue;
    }
    const tensors = [...(outcome as TensorFile).tensors.values()];
    for (const { bytes: held, shape } of tensors) {
      const elements = shape.reduce((product, size) => product * size, 1);
      expect(held.length % Math.max(1, elements)).toBe(0);
    }
    expect(tensors.reduce((sum, stored) => sum + stored.bytes.length, 0)).toBeLessThanOrEqual(
      4 * bytes.length + 2 ** 26,
    );
  }
  // Of both there are many: neither everything is refused, nor does everything pass.
  expect(outcomes.get("tensors")).toBeGreaterThan(50);
  expect(outcomes.get("error")).toBeGreaterThan(500);
  expect(slowest).toBeLessThan(2_000_000);
}, 120_000);
