import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bindingPlatforms, firstThatLoads, onnxRuntimeVersion } from "../../../../src/engine/runtime/node-binding.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";

let project: string;
let load: (name: string) => unknown;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "msmae-binding-"));
  load = createRequire(join(project, "main.js"));
});

afterEach(() => rmSync(project, { recursive: true }));

function install(name: string, version: string, code: string): void {
  const folder = join(project, "node_modules", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version, main: "index.js" }));
  writeFileSync(join(folder, "index.js"), code);
}

function refusal(names: string[]): string {
  try {
    firstThatLoads(names, load);
  } catch (error) {
    if (error instanceof MsmaeError && error.code === "Device") return error.message;
    throw error;
  }
  throw new Error("a binding was loaded");
}

test("the first package of the needed version is loaded, and one of another version passed over", () => {
  install("whole", "1.2.3", "module.exports = 'whole'");
  install("platform", onnxRuntimeVersion, "module.exports = 'platform'");
  install("copy", onnxRuntimeVersion, "module.exports = 'copy'");
  expect(firstThatLoads(["missing", "whole", "platform", "copy"], load)).toBe("platform");
});

test("a binding that does not load gives way to the next", () => {
  install("whole", onnxRuntimeVersion, "throw new Error('wrong ELF class')");
  install("platform", onnxRuntimeVersion, "module.exports = 'platform'");
  expect(firstThatLoads(["whole", "platform"], load)).toBe("platform");
});

test("without a binding the error says what is needed here and how to get it", () => {
  const message = refusal(["whole", "platform"]);
  expect(message).toContain(`expected a binding of version ${onnxRuntimeVersion} for ${process.platform}-`);
  expect(message).toContain(`got none; run npm install --ignore-scripts onnxruntime-node@${onnxRuntimeVersion}`);
});

test("the error names bindings of another version and those that do not load, with the first line of why", () => {
  install("whole", "1.2.3", "module.exports = 'whole'");
  install("platform", onnxRuntimeVersion, "throw new Error('libstdc++.so.6: cannot open\\nRequire stack:')");
  const got = `got whole 1.2.3, platform ${onnxRuntimeVersion} that does not load: libstdc++.so.6: cannot open; `;
  expect(refusal(["whole", "platform"])).toContain(got);
});

test("the platforms named are those for which onnxruntime-node has a binding", () => {
  const installed = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  const folder = join(dirname(installed), "bin", "napi-v6");
  const found = readdirSync(folder).flatMap((os) => readdirSync(join(folder, os)).map((cpu) => `${os}-${cpu}`));
  expect(found.sort()).toEqual([...bindingPlatforms].sort());
});

test("the checkout's own binding has the version that this package needs", () => {
  const { InferenceSession } = firstThatLoads(["onnxruntime-node"], createRequire(import.meta.url));
  expect(InferenceSession.create).toBeTypeOf("function");
});
