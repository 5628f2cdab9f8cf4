import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "src/**/*.test.ts"],
    // ONNX Runtime and its thread pools live best in processes of their own, and two cores carry no more.
    pool: "forks",
    maxWorkers: 2,
    // Tests leave nothing in the user's own cache folder, and those that use ONNX Runtime directly tell nobody of it.
    env: { MSMAE_CACHE_DIR: join(tmpdir(), "msmae-test-cache"), ORT_DISABLE_TELEMETRY: "1" },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
