import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Whole programs first, the longest of them at the head: what starts last must be short, or one core waits for it. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId, project }: TestSpecification) =>
      basename(moduleId) === "demo.test.ts" ? 0 : project.name === "programs" ? 1 : 2;
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    // ONNX Runtime and its thread pools live best in processes of their own, and two cores carry no more.
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    env: {
      // Tests leave nothing in the user's own cache folder, and those that use ONNX Runtime directly tell nobody of it.
      MSMAE_CACHE_DIR: join(tmpdir(), "msmae-test-cache"),
      ORT_DISABLE_TELEMETRY: "1",
      // Hundreds of processes and threads load the same modules: a third of the time of those that train.
      NODE_COMPILE_CACHE: join(tmpdir(), "msmae-test-cache", "compiled"),
    },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: "programs", include: ["test/{cli,e2e,parity,privacy,runtimes}/**/*.test.ts"] },
      },
      {
        extends: true,
        // Nothing that these import keeps a state: they share it, and a third of their time is saved.
        test: { name: "units", include: ["test/unit/**/*.test.ts"], isolate: false },
      },
    ],
  },
});
