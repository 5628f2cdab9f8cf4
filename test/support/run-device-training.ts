// Trainings on a device and on the CPU, begun on one and gone on with on the other; prints what came of each as JSON. A
// process of its own, because a missing adapter may end it: node run-device-training.ts <provider>
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FinetuneInput, PretrainInput } from "../../src/config/index.ts";
import { readModelFile } from "../../src/interop/model-file.ts";
import { toFloat32 } from "../../src/interop/tensor-values.ts";
import type { RunHooks } from "../../src/support/events.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { finetuning, loggedEpochs, pretraining, writePhantoms } from "../e2e/runs.ts";

type Device = "cpu" | "webgpu";

const device = process.argv[2] as Device;
const folder = mkdtempSync(join(tmpdir(), "msmae-device-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const data = await writePhantoms(join(folder, "data"));

// An epoch of random masks and one that follows attention: three steps each, the last of one batch.
const shorter = { batchSize: 6, epochs: 2, accumIter: 2, clipGrad: 1, emaDecay: 0.9, saveEvery: 2 };
const masked = { ...shorter, attentionStartEpoch: 1, mapWarmupEpochs: 1, mapInterval: 1 };
const verbs = {
  pretrain: (input: { outputDir: string; device: Device; resume?: string }, hooks?: RunHooks) =>
    pretrain({ ...pretraining(data, input.outputDir), ...masked, ...input } as PretrainInput, hooks),
  finetune: (input: { outputDir: string; device: Device; resume?: string }, hooks?: RunHooks) =>
    finetune({ ...finetuning(data, input.outputDir), ...shorter, ...input } as FinetuneInput, hooks),
};

/** Begins on one device, stops after a step, and goes on with another. */
async function handedOver(verb: keyof typeof verbs, [from, to]: [Device, Device], step: number): Promise<string> {
  const outputDir = join(folder, `${verb}-${from}-${to}`);
  const stop = new AbortController();
  const onEvent: RunHooks["onEvent"] = (event) => {
    if (event.type === "step" && event.step === step) stop.abort();
  };
  const ended = await verbs[verb]({ outputDir, device: from }, { signal: stop.signal, onEvent }).then(
    () => "to its end",
    ({ code }: { code?: unknown }) => code,
  );
  if (ended !== "Interrupted") throw new Error(`${verb} on ${from} ended: ${ended}`);
  await verbs[verb]({ outputDir, device: to, resume: outputDir });
  return outputDir;
}

async function weightsOf(outputDir: string): Promise<Map<string, Float32Array>> {
  const { tensors } = await readModelFile(join(outputDir, "last.safetensors"));
  return new Map([...tensors].map(([name, tensor]) => [name, toFloat32(tensor)]));
}

/** A run's log beside that of the CPU, and by how much its weights differ, for each tensor: at most and on average. */
async function beside(cpu: string, other: string) {
  const [expected, got] = [await weightsOf(cpu), await weightsOf(other)];
  const differences = [...expected].map(([name, values]) => {
    const each = values.map((value, i) => Math.abs((got.get(name)?.[i] ?? Number.NaN) - value));
    return [name, { most: Math.max(...each), mean: each.reduce((a, b) => a + b, 0) / each.length }] as const;
  });
  const sameNames = [...got.keys()].join() === [...expected.keys()].join();
  return {
    cpu: loggedEpochs(cpu),
    other: loggedEpochs(other),
    sameNames,
    differences: Object.fromEntries(differences),
  };
}

const results: Record<string, unknown> = {};
for (const [verb, from, to, step] of [
  ["pretrain", "cpu", device, 1],
  ["pretrain", device, "cpu", 2],
  ["finetune", "cpu", device, 1],
] as const) {
  const outputDir = join(folder, `${verb}-cpu`);
  if (!existsSync(outputDir)) await verbs[verb]({ outputDir, device: "cpu" });
  results[`${verb} from ${from} to ${to}`] = await beside(outputDir, await handedOver(verb, [from, to], step));
}
process.stdout.write(JSON.stringify(results), () => process.exit(0));
