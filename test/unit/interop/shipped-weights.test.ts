import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { convert } from "../../../src/interop/convert.ts";
import { inspect } from "../../../src/interop/inspect.ts";
import { describeModelFile } from "../../../src/interop/model-file.ts";
import { packageFolder, weightsPath } from "../../../src/interop/shipped-weights.ts";
import { readStartingWeights } from "../../../src/interop/starting-weights.ts";
import { packageVersion } from "../../../src/support/version.ts";

const shipped = join(import.meta.dirname, "../../../weights");
const files = globSync("*.safetensors", { cwd: shipped }).toSorted();
const scratch = mkdtempSync(join(tmpdir(), "msmae-shipped-"));
afterAll(() => rmSync(scratch, { recursive: true }));

describe("msmae:NAME", () => {
  test.each(["runs/last.safetensors", "./msmae:x", "msmae/x"])("%s is a path as any", async (path) => {
    expect(await weightsPath(path, () => scratch)).toBe(path);
  });

  test("is the file of that name, and no other; the error lists what there is", async () => {
    for (const name of ["b.safetensors", "a-1.safetensors", "README.md", ".safetensors"])
      writeFileSync(join(scratch, name), "");
    expect(await weightsPath("msmae:a-1", () => scratch)).toBe(join(scratch, "a-1.safetensors"));
    for (const name of ["c", "", "../a-1", "README"]) {
      const said = weightsPath(`msmae:${name}`, () => scratch);
      await expect(said).rejects.toMatchObject({ code: "Checkpoint" });
      await expect(said).rejects.toThrow(`expected one of msmae:a-1, msmae:b, got ${name || "no name"};`);
    }
  });

  test("says what to install where there is no package", async () => {
    await expect(weightsPath("msmae:a", () => undefined)).rejects.toThrow(
      `msmae:a: expected the package @msmae/weights beside msmae, got none; install msmae-weights-${packageVersion}.tgz`,
    );
  });

  test("is looked for in the installed package first", () => {
    const at = (known: Record<string, string>) => (name: string) => {
      const path = known[name];
      if (path === undefined) throw new Error("not found");
      return path;
    };
    const both = at({ "one/package.json": join("x", "package.json"), "two/package.json": join("y", "package.json") });
    expect(packageFolder(["one", "two"], both)).toBe("x");
    expect(packageFolder(["none", "two"], both)).toBe("y");
    expect(packageFolder(["none"], both)).toBeUndefined();
  });
});

describe("the weights that ship", () => {
  test("are less than 30 MB, of the package's version, and each has its part in the README", () => {
    expect(files.length).toBeGreaterThan(0);
    expect(files.reduce((bytes, file) => bytes + statSync(join(shipped, file)).size, 0)).toBeLessThan(30e6);
    expect(JSON.parse(readFileSync(join(shipped, "package.json"), "utf8"))).toMatchObject({ version: packageVersion });
    const readme = readFileSync(join(shipped, "README.md"), "utf8");
    for (const file of files) expect(readme).toContain(`\n## msmae:${file.replace(".safetensors", "")}\n`);
  });

  test.each(files)("%s says what it is, under a licence that lets it be used", async (file) => {
    const name = `msmae:${file.replace(".safetensors", "")}`;
    const { description } = await describeModelFile(name);
    expect(description).toMatchObject({ kind: "pretrained", licence: "apache-2.0" });
    expect(await inspect(name)).toMatchObject({ described: true, inputSize: { height: 64, width: 64 } });
  });

  test.each(files)("%s starts a model and converts, by its name", async (file) => {
    const name = `msmae:${file.replace(".safetensors", "")}`;
    const output = join(scratch, `out-${file}`);
    const { missing, loads } = await convert({ checkpoint: name, output, to: "timm" });
    expect(missing).toEqual([]);
    expect(loads).toContain("VisionTransformer");
    const { description } = await describeModelFile(name);
    const { tensors } = await readStartingWeights(name, undefined);
    expect(tensors.get("patch_embed.proj.weight")?.shape).toEqual([
      (description.config as { embedDim?: number }).embedDim,
      1,
      8,
      8,
    ]);
  });
});
