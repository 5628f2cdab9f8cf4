import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { fromBufferPromise } from "yauzl";
import { storedZip } from "../../../../src/interop/containers/stored-zip.ts";
import { writeTorchFile } from "../../../../src/interop/containers/torch-save.ts";
import { readTensorFile } from "../../../../src/interop/tensor-file.ts";
import { tensorsOfEveryType } from "../../../support/tensors-to-store.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-torch-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "out.pth");

test.each([undefined, "model"])("what is written under %s is read bit for bit", async (under) => {
  const written = tensorsOfEveryType();
  await writeTorchFile(path, written, under);
  const { container, tensors } = await readTensorFile(path);
  expect(container).toBe("torch.save");
  expect([...tensors.keys()]).toEqual([...written.keys()]);
  const dtypes = { view: "F32", double: "F64", count: "I64", int: "I32", bytes: "U8" };
  expect(Object.fromEntries([...tensors].map(([key, { dtype }]) => [key, dtype]))).toMatchObject(dtypes);
  for (const [key, { shape, data }] of written) {
    const bytes = Buffer.from(Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
    expect([key, tensors.get(key)?.shape]).toEqual([key, shape]);
    expect([key, Buffer.from(tensors.get(key)?.bytes ?? []).equals(bytes)]).toEqual([key, true]);
  }
});

test("an altered byte is told by its checksum", async () => {
  await writeTorchFile(path, tensorsOfEveryType());
  const file = readFileSync(path);
  const at = file.indexOf(Buffer.from(Float64Array.of(-1e300).buffer));
  file.writeUInt8(file.readUInt8(at) ^ 1, at);
  writeFileSync(path, file);
  await expect(readTensorFile(path)).rejects.toThrow(/archive\/data\/2.*checksum/);
});

test("values that do not fill their shape are refused, and nothing is left behind", async () => {
  const wrong = new Map([["a", { shape: [3], data: new Float32Array(2) }]]);
  await expect(writeTorchFile(join(folder, "wrong.pth"), wrong)).rejects.toThrow(/3 values for \[3\]/);
  expect(readdirSync(folder)).toEqual(["out.pth"]);
});

describe("the archive", () => {
  // As large as no size; then sizes of the second entry alone; then places too.
  test.each([2 ** 32 - 2, 150, 90, 0])(
    "is read by a program of others with %i as the largest number",
    async (largest) => {
      const entries = [90, 151, 0, 64].map((size, index) => {
        return { name: `a/${"ü".repeat(index)}${index}`, bytes: new Uint8Array(size).fill(65 + index) };
      });
      const file = Buffer.concat(storedZip(entries, largest));
      const zip = await fromBufferPromise(file, { validateEntrySizes: true });
      expect(zip.entryCount).toBe(4);
      const found: unknown[] = [];
      for await (const entry of zip.eachEntry()) {
        const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
        const bytes = Uint8Array.from(file.subarray(fileDataStart, fileDataStart + entry.uncompressedSize));
        expect(fileDataStart % 64).toBe(0);
        expect(entry.crc32).toBe(crc32(bytes));
        found.push({ name: entry.fileName, bytes });
      }
      expect(found).toEqual(entries);
      const has = (sign: string) => file.includes(`PK${sign}`, 0, "latin1");
      expect(has("\x06\x06")).toBe(largest < 2 ** 32 - 2);
    },
  );
});
