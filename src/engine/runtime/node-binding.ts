import { createRequire } from "node:module";
import type * as OnnxRuntime from "onnxruntime-common";
import { env } from "onnxruntime-common";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { keepTelemetryOff } from "./node-telemetry.ts";

/** Where this version of ONNX Runtime has a binding for Node. The ones for Linux are linked against glibc. */
export const bindingPlatforms = ["linux-x64", "linux-arm64", "darwin-arm64", "win32-x64", "win32-arm64"] as const;

/** The version of ONNX Runtime that this package runs on. */
export const onnxRuntimeVersion: string = env.versions.common;

const platform = `${process.platform}-${process.arch}`;

/**
 * What brings the binding, the first that fits: a whole onnxruntime-node that the user installed, which may hold the
 * libraries of a GPU; the package of this platform; the copy that a build leaves beside this module.
 */
const sources = ["onnxruntime-node", `@msmae/onnxruntime-${platform}`, "./onnxruntime"];

let loaded: typeof OnnxRuntime | undefined;

/**
 * Finds and loads ONNX Runtime's binding for this platform. Only here is it loaded, when first needed: what runs no
 * graph works without it.
 *
 * @throws MsmaeError Device where there is none, or none that loads, or where its telemetry cannot be kept off.
 */
export function loadOnnxRuntime(): typeof OnnxRuntime {
  keepTelemetryOff();
  loaded ??= firstThatLoads(sources, createRequire(import.meta.url));
  return loaded;
}

/** The first of the packages that has the version needed and loads. @throws MsmaeError Device where none does. */
export function firstThatLoads(names: readonly string[], load: (name: string) => unknown): typeof OnnxRuntime {
  const faults: string[] = [];
  for (const name of names) {
    const version = installedVersion(name, load);
    if (version === undefined) continue;
    if (version !== onnxRuntimeVersion) {
      faults.push(`${name} ${version}`);
      continue;
    }
    try {
      return load(name) as typeof OnnxRuntime;
    } catch (cause) {
      faults.push(`${name} ${version} that does not load: ${firstLine(messageOf(cause))}`);
    }
  }
  const known = (bindingPlatforms as readonly string[]).includes(platform);
  throw new MsmaeError("Device", {
    where: "ONNX Runtime",
    expected: `a binding of version ${onnxRuntimeVersion} for ${platform}`,
    got: faults.length > 0 ? faults.join(", ") : "none",
    todo: known
      ? `run npm install --ignore-scripts onnxruntime-node@${onnxRuntimeVersion}, or see docs/installing.md`
      : `use a machine of ${bindingPlatforms.join(", ")}`,
  });
}

function installedVersion(name: string, load: (name: string) => unknown): string | undefined {
  try {
    const { version } = load(`${name}/package.json`) as { version?: unknown };
    return typeof version === "string" ? version : "of no version";
  } catch {
    return undefined;
  }
}

/** Node adds the chain of modules that asked for a missing one. */
function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
