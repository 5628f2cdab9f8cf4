import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** A driver of the caller's choice, or SwiftShader, the software adapter that Debian's chromium brings. */
export const driver = process.env.VK_DRIVER_FILES ?? "/usr/lib/chromium/vk_swiftshader_icd.json";

/** What a script printed that needs a WebGPU adapter, or why it could not run, as a suffix for the names of tests. */
export interface OnWebgpu {
  printed: string;
  /** Empty where it ran. */
  skipped: string;
}

/**
 * Runs a script of this folder in a process of its own with the software adapter, since a missing one may end it.
 *
 * @throws Error where the script failed though there is an adapter.
 */
export function onWebgpu(script: string, args: readonly string[] = [], timeout = 120_000): OnWebgpu {
  if (!existsSync(driver)) return { printed: "", skipped: ` SKIPPED: no WebGPU adapter (no ${driver})` };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, script), ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { ...process.env, VK_DRIVER_FILES: driver },
    timeout,
  });
  if (status === 0) return { printed: stdout, skipped: "" };
  const why = stderr.slice(-400);
  if (/adapter/i.test(stderr)) return { printed: "", skipped: ` SKIPPED: no WebGPU adapter (${why})` };
  throw new Error(`${script} ended with ${status}: ${why}`);
}
