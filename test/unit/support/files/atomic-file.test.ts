import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MsmaeError } from "../../../../src/support/errors.ts";
import { writeFault, writeFileAtomic } from "../../../../src/support/files/atomic-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "msmae-atomic-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("writeFileAtomic", () => {
  test("replaces the old content whole and leaves no temporary file", async () => {
    const path = join(folder, "a.txt");
    await writeFileAtomic(path, "old and longer");
    await writeFileAtomic(path, "néw");
    expect(readFileSync(path, "utf8")).toBe("néw");
    expect(readdirSync(folder)).toEqual(["a.txt"]);
  });

  test("writes chunks in order, views with an offset and shared memory included", async () => {
    const whole = Uint8Array.from({ length: 10 }, (_, i) => i);
    const shared = new Uint8Array(new SharedArrayBuffer(4));
    shared.set([20, 21, 22, 23]);
    await writeFileAtomic(join(folder, "b"), [whole.subarray(3, 6), new Uint8Array(0), shared.subarray(1)]);
    expect([...readFileSync(join(folder, "b"))]).toEqual([3, 4, 5, 21, 22, 23]);
  });

  test("keeps the old file and leaves nothing behind when the write fails half-way", async () => {
    const path = join(folder, "c");
    writeFileSync(path, "precious");
    const full = Object.assign(new Error("write failed"), { code: "ENOSPC" });
    const chunks = Object.defineProperty([Uint8Array.of(1)], 1, {
      get: () => {
        throw full;
      },
    });
    await expect(writeFileAtomic(path, chunks)).rejects.toMatchObject({ code: "Data", parts: { where: path } });
    expect(readFileSync(path, "utf8")).toBe("precious");
    expect(readdirSync(folder)).toEqual(["c"]);
  });

  test("a missing folder is a Data error that names the path and says what to do", async () => {
    const path = join(folder, "none", "d");
    await expect(writeFileAtomic(path, "x")).rejects.toThrow(/none.d: .*ENOENT.*; make the folder/);
  });

  test("a folder of that name is refused and no temporary file stays", async () => {
    mkdirSync(join(folder, "e", "inside"), { recursive: true });
    await expect(writeFileAtomic(join(folder, "e"), "x")).rejects.toThrow(MsmaeError);
    expect(readdirSync(folder)).toEqual(["e"]);
  });
});

describe("writeFault", () => {
  test.each([
    ["ENOSPC", /full disk.*free some space/],
    ["EDQUOT", /quota.*free some space/],
    ["EACCES", /no write permission.*write permission/],
    ["EROFS", /read-only file system/],
  ])("%s is explained", (code, expected) => {
    const fault = writeFault("/runs/x", Object.assign(new Error("low level"), { code }));
    expect(fault.code).toBe("Data");
    expect(fault.message).toMatch(expected);
    expect(fault.cause).toBeInstanceOf(Error);
  });

  test("an MsmaeError passes through unchanged", () => {
    const known = new MsmaeError("Checkpoint", { where: "a", expected: "b", got: "c", todo: "d" });
    expect(writeFault("/x", known)).toBe(known);
  });
});
