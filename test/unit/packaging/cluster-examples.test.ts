import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { resolveConfig, verbs } from "../../../src/config/index.ts";

const folder = join(import.meta.dirname, "../../../examples/cluster");
const slurm = readFileSync(join(folder, "finetune.sbatch"), "utf8");
const kubernetes = readFileSync(join(folder, "finetune.mpijob.yaml"), "utf8");

const pods = z.object({
  replicas: z.int(),
  template: z.object({
    spec: z.object({ containers: z.array(z.object({ image: z.string() }).loose()).length(1) }).loose(),
  }),
});
/** What of an MPIJob v2beta1 is used; a misspelt field is an error. */
const mpiJob = z.strictObject({
  apiVersion: z.literal("kubeflow.org/v2beta1"),
  kind: z.literal("MPIJob"),
  metadata: z.strictObject({ name: z.string().regex(/^[a-z0-9-]+$/) }),
  spec: z.strictObject({
    slotsPerWorker: z.int(),
    sshAuthMountPath: z.string(),
    runPolicy: z.strictObject({ cleanPodPolicy: z.enum(["None", "Running", "All"]), backoffLimit: z.int() }),
    mpiReplicaSpecs: z.strictObject({ Launcher: pods, Worker: pods }),
  }),
});

/** The options of fine-tuning in a script, as flags by name. */
function flagsIn(script: string): Record<string, string> {
  const command = script.slice(script.indexOf("msmae finetune")).replaceAll("\\\n", " ");
  return Object.fromEntries(Array.from(command.matchAll(/--([a-z-]+) ([^\s]+)/g), ([, name, value]) => [name, value]));
}

test.each([
  ["Slurm", slurm, 4],
  ["Kubernetes", kubernetes, 4],
])("the example for %s gives options that there are, and batches that its processes share out", (_, script, ranks) => {
  const given = flagsIn(script);
  const { threads: _threads, ...flags } = given;
  expect(Object.keys(given)).toContain("threads");
  const named = Object.entries(flags).map(([name, value]) => [
    name.replaceAll(/-(.)/g, (_all, letter: string) => letter.toUpperCase()),
    value,
  ]);
  const options = resolveConfig(verbs.finetune, { flags: Object.fromEntries(named) });
  expect((options as { accumIter: number }).accumIter % ranks).toBe(0);
});

test("the script for Slurm is one that bash reads, and asks for as many machines", () => {
  execFileSync("bash", ["-n", join(folder, "finetune.sbatch")]);
  expect(slurm).toContain("#SBATCH --nodes=4\n");
});

test("the manifest is an MPIJob whose launcher starts a process for each worker", () => {
  const { spec } = mpiJob.parse(parse(kubernetes));
  expect(spec.mpiReplicaSpecs.Worker.replicas * spec.slotsPerWorker).toBe(4);
  expect(kubernetes).toContain("mpirun -np 4 ");
});
