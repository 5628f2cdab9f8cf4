import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventFileWriter, frameRecord } from "../../../../src/training/records/event-file.ts";
import { tensorboard } from "../../../../src/training/records/generated/event.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "msmae-events-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** CRC-32C bit by bit, from its reversed polynomial: another route than the table in use. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function masked(bytes: Uint8Array): number {
  const crc = BigInt(crc32c(bytes));
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

function readEvents(path: string): tensorboard.Event[] {
  const bytes = new Uint8Array(readFileSync(path));
  const view = new DataView(bytes.buffer);
  const events: tensorboard.Event[] = [];
  let offset = 0;
  while (offset < bytes.byteLength) {
    const length = Number(view.getBigUint64(offset, true));
    expect(view.getUint32(offset + 8, true)).toBe(masked(bytes.subarray(offset, offset + 8)));
    const data = bytes.subarray(offset + 12, offset + 12 + length);
    expect(view.getUint32(offset + 12 + length, true)).toBe(masked(data));
    events.push(tensorboard.Event.decode(data));
    offset += length + 16;
  }
  return events;
}

test("the reference CRC of this test gives the published check value", () => {
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
});

describe("EventFileWriter", () => {
  test("what is written reads back, with every checksum right", async () => {
    const writer = await EventFileWriter.open(folder);
    writer.scalar("train/loss", 0.1, { step: 7, wallTimeMs: 1_700_000_000_250 });
    writer.image("maps", { png: Uint8Array.of(1, 2, 3), width: 5, height: 4 }, { step: 2 ** 33, wallTimeMs: 1000 });
    await writer.close();
    const [version, scalar, image, ...more] = readEvents(writer.path);
    expect(more).toEqual([]);
    expect(version?.fileVersion).toBe("brain.Event:2");
    expect([scalar?.wallTime, Number(scalar?.step)]).toEqual([1_700_000_000.25, 7]);
    expect(scalar?.summary?.value?.[0]).toMatchObject({ tag: "train/loss", simpleValue: Math.fround(0.1) });
    expect(Number(image?.step)).toBe(2 ** 33);
    const value = image?.summary?.value?.[0];
    expect(value).toMatchObject({ tag: "maps", image: { width: 5, height: 4, colorspace: 3 } });
    expect([...(value?.image?.encodedImageString ?? [])]).toEqual([1, 2, 3]);
  });

  test("bytes of a scalar event carry TensorBoard's field numbers", async () => {
    const writer = await EventFileWriter.open(folder);
    const start = readFileSync(writer.path).byteLength;
    writer.scalar("a", 1, { step: 3, wallTimeMs: 1000 });
    await writer.flush();
    // 1: double 1.0; 2: varint 3; 5: message {1: message {1: "a", 2: float 1.0}}
    const event = [9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 16, 3, 42, 10, 10, 8, 10, 1, 97, 21, 0, 0, 0x80, 0x3f];
    expect([...readFileSync(writer.path).subarray(start + 12, -4)]).toEqual(event);
    await writer.close();
  });

  test("flush brings values to the file before close", async () => {
    const writer = await EventFileWriter.open(folder);
    for (let step = 0; step < 500; step++) writer.scalar("x", step, { step });
    await writer.flush();
    expect(readEvents(writer.path).length).toBe(501);
    await writer.close();
    await writer.close();
  });

  test("makes the folder, and a second writer starts its own file", async () => {
    const first = await EventFileWriter.open(join(folder, "new", "run"));
    const second = await EventFileWriter.open(join(folder, "new", "run"));
    expect(first.path).not.toBe(second.path);
    expect(basename(first.path)).toMatch(/^events\.out\.tfevents\.\d{10}\./);
    await Promise.all([first.close(), second.close()]);
  });

  test("a folder that cannot be made is a Data error", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(EventFileWriter.open(join(folder, "file"))).rejects.toMatchObject({ code: "Data" });
  });

  test("a value given after close is reported, not lost in silence", async () => {
    const writer = await EventFileWriter.open(folder);
    await writer.close();
    writer.scalar("x", 1, { step: 1 });
    await expect(writer.flush()).rejects.toMatchObject({ code: "Data" });
    expect(existsSync(writer.path)).toBe(true);
  });
});

test("frameRecord of no data is 16 bytes with both checksums", () => {
  const view = new DataView(frameRecord(new Uint8Array(0)).buffer);
  expect(view.byteLength).toBe(16);
  expect(view.getUint32(8, true)).toBe(masked(new Uint8Array(8)));
  expect(view.getUint32(12, true)).toBe(masked(new Uint8Array(0)));
});
