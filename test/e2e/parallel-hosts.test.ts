import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { Hosts, noHosts } from "./hosts.ts";
import { msmaeRanks, startRanks } from "./mpi.ts";
import { digests, finetuning, flags, writePhantoms } from "./runs.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

describe.skipIf(noHosts !== "")(`training on two hosts${noHosts}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "msmae-hosts-"));
  const at = (...parts: string[]): string => join(folder, ...parts);
  const data = at("data");
  const tuning = (outputDir: string) => ({ ...finetuning(data, outputDir), batchSize: 2, accumIter: 2, epochs: 3 });
  let hosts: Hosts;
  beforeAll(async () => {
    await writePhantoms(data);
    await finetune(tuning(at("alone")));
  });
  beforeEach(() => {
    hosts = new Hosts(folder);
  });
  afterEach(() => hosts.remove());
  afterAll(() => rmSync(folder, { recursive: true }));

  test("comes to the bytes of one process over a cable that loses packets", () => {
    hosts.narrow("200mbit");
    const outputDir = at("narrow");
    const ended = msmaeRanks(2, ["finetune", ...flags(tuning(outputDir))], {}, hosts.launcher());
    expect(ended.code, ended.stderr).toBe(0);
    expect(hosts.lost).toBeGreaterThan(100);
    expect(digests(outputDir)).toEqual(digests(at("alone")));
  });

  test("ends within ten seconds of a cut cable, as docs/parallel.md asks for it, and goes on to the same bytes", async () => {
    const keepalive = { time: 3, intvl: 2, probes: 2 };
    const asked = Object.entries(keepalive).flatMap(([name, value]) => [
      "--mca",
      `oob_tcp_keepalive_${name}`,
      String(value),
    ]);
    hosts.narrow("40mbit");
    const outputDir = at("cut");
    const { child, ended } = startRanks(2, ["finetune", ...flags(tuning(outputDir))], hosts.launcher(asked));
    let cut = 0;
    child.stderr?.on("data", () => {
      if (cut > 0 || !existsSync(join(outputDir, "last.safetensors"))) return;
      cut = performance.now();
      hosts.cut();
    });
    const { code, stderr } = await ended;
    expect(cut).toBeGreaterThan(0);
    expect((performance.now() - cut) / 1000).toBeLessThan(10);
    expect(code).not.toBe(0);
    expect(stderr).toContain("lost communication with a remote daemon");
    expect(digests(outputDir)["last.safetensors"]).not.toBe(digests(at("alone"))["last.safetensors"]);
    await finetune({ ...tuning(outputDir), resume: outputDir });
    expect(digests(outputDir)).toEqual(digests(at("alone")));
  });
});
