import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { driver } from "../support/webgpu-child.ts";

const root = join(import.meta.dirname, "../..");

/** Runs `npm run bench` with these words. */
export function bench(...argv: string[]): { code: number | null; stdout: string; stderr: string } {
  const result = spawnSync(process.execPath, [join(root, "bench/main.ts"), ...argv], {
    encoding: "utf8",
    cwd: root,
    env: { ...process.env, VK_DRIVER_FILES: driver },
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}
