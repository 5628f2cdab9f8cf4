import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { storedZip } from "../../../../src/interop/containers/stored-zip.ts";
import { writeTorchFile } from "../../../../src/interop/containers/torch-save.ts";
import { writeSafetensorsFile } from "../../../../src/interop/safetensors-file.ts";
import { readTensorFile } from "../../../../src/interop/tensor-file.ts";
import { python, withoutPython } from "../../../support/python.ts";
import { tensorsOfEveryType } from "../../../support/tensors-to-store.ts";

const unavailable = withoutPython("torch, onnx, safetensors.torch");

const COMPARE = `
import sys, torch
from safetensors.torch import load_file
folder, form = sys.argv[1:]
expected = load_file(f"{folder}/{form}.safetensors")
for mapped in (False, True):
    saved = torch.load(f"{folder}/{form}.pth", weights_only=True, mmap=mapped)
    found = saved["model"] if form == "nested" else saved
    assert type(found).__name__ == "OrderedDict" and found.keys() == expected.keys()
    for key, tensor in expected.items():
        assert found[key].dtype == tensor.dtype and found[key].shape == tensor.shape, key
        assert torch.equal(found[key].reshape(-1).view(torch.uint8), tensor.reshape(-1).view(torch.uint8)), key
        assert found[key].is_contiguous() and (found[key].numel() == 0 or found[key].data_ptr() % 64 == 0), key
print(len(found), "equal")
`;
const RECORD = `
import sys, torch
print(torch._C.PyTorchFileReader(sys.argv[1]).get_record("data/0").decode())
`;

describe.skipIf(unavailable)(
  `files that PyTorch and ONNX write${unavailable ? ` SKIPPED: ${unavailable}` : ""}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "msmae-real-"));
    beforeAll(() => {
      execFileSync(python as string, ["bench/peers/tensor_files.py", folder]);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    test.each(["state", "checkpoint"])(
      "%s is bit for bit what safetensors holds, in both forms and every protocol",
      async (name) => {
        const expected = await readTensorFile(join(folder, `${name}.safetensors`));
        const files = globSync(`${name}.*.pth`, { cwd: folder }).sort();
        expect(files).toHaveLength(8);
        for (const file of files) {
          const { tensors, beside } = await readTensorFile(join(folder, file));
          expect([...tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
          for (const [key, tensor] of expected.tensors)
            expect([file, key, tensors.get(key)]).toEqual([file, key, tensor]);
          if (name === "checkpoint")
            expect([beside.get("args.model"), beside.get("epoch")]).toEqual(["mae_vit_base_patch16", "3"]);
        }
      },
    );

    test.each(["flat", "nested"])("PyTorch reads what is written, %s, bit for bit, weights only", async (form) => {
      const tensors = tensorsOfEveryType();
      await writeSafetensorsFile(join(folder, `${form}.safetensors`), tensors);
      await writeTorchFile(join(folder, `${form}.pth`), tensors, form === "nested" ? "model" : undefined);
      const said = execFileSync(python as string, ["-c", COMPARE, folder, form], { encoding: "utf8" });
      expect(said.trim()).toBe(`${tensors.size} equal`);
    });

    test("PyTorch reads sizes and places in the fields of zip64", () => {
      const parts = { "data.pkl": "0".repeat(90), "data/0": "2".repeat(90), version: "3\n" };
      const entries = Object.entries(parts).map(([name, text]) => {
        return { name: `archive/${name}`, bytes: Buffer.from(text) };
      });
      writeFileSync(join(folder, "wide.zip"), Buffer.concat(storedZip(entries, 80)));
      const said = execFileSync(python as string, ["-c", RECORD, join(folder, "wide.zip")], { encoding: "utf8" });
      expect(said.trim()).toBe("2".repeat(90));
    });

    test("initialisers of ONNX models, in the file and beside it, are bit for bit what safetensors holds", async () => {
      const expected = await readTensorFile(join(folder, "onnx.safetensors"));
      for (const file of ["onnx.inside.onnx", "onnx.beside.onnx"]) {
        const { tensors } = await readTensorFile(join(folder, file));
        expect([...tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
        for (const [key, tensor] of expected.tensors)
          expect([file, key, tensors.get(key)]).toEqual([file, key, tensor]);
      }
    });

    test("a model that PyTorch exported to ONNX has the tensors of its state dict, under their names", async () => {
      const expected = await readTensorFile(join(folder, "exported.safetensors"));
      const { tensors } = await readTensorFile(join(folder, "exported.onnx"));
      expect([...tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
      for (const [key, tensor] of expected.tensors) expect([key, tensors.get(key)]).toEqual([key, tensor]);
    });
  },
);
