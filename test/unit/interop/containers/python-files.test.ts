import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTensorFile } from "../../../../src/interop/tensor-file.ts";

const python = process.env.MSMAE_PYTHON;

function reasonToSkip(): string | undefined {
  if (python === undefined) return "MSMAE_PYTHON names no Python with PyTorch";
  try {
    execFileSync(python, ["-c", "import torch, onnx, safetensors.torch"], { stdio: "ignore" });
  } catch {
    return `${python} has no torch, onnx and safetensors`;
  }
  return undefined;
}
const unavailable = reasonToSkip();

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
