import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Another seed each time, so that in the course of time the suite tries more than one run of it can.
const seed = process.env.MSMAE_FAULTS_SEED ?? String(Date.now() % 1_000_000_000);
console.log(`Instants and calls are drawn from MSMAE_FAULTS_SEED=${seed}`);

export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["test/faults/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    env: { MSMAE_CACHE_DIR: join(tmpdir(), "msmae-test-cache"), ORT_DISABLE_TELEMETRY: "1", MSMAE_FAULTS_SEED: seed },
    // Hundreds of runs stand in one test.
    testTimeout: 1_800_000,
    hookTimeout: 120_000,
    disableConsoleIntercept: true,
  },
});
