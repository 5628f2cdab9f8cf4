// Trainings on WebGPU in float32 and in float16; prints the logs of both as JSON, or what the adapter without 16-bit floats is
// refused with. A process of its own, because a missing adapter may end it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FinetuneInput, PretrainInput } from "../../src/config/index.ts";
import { messageOf } from "../../src/support/errors.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { finetuning, loggedEpochs, pretraining, writePhantoms } from "../e2e/runs.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-half-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const data = await writePhantoms(join(folder, "data"));

const shorter = { batchSize: 6, epochs: 2, accumIter: 2, clipGrad: 1, saveEvery: 2, device: "webgpu" };
const masked = { ...shorter, attentionStartEpoch: 1, mapWarmupEpochs: 1, mapInterval: 1 };

async function trained(verb: "pretrain" | "finetune", precision: "fp32" | "fp16") {
  const outputDir = join(folder, `${verb}-${precision}`);
  if (verb === "pretrain") await pretrain({ ...pretraining(data, outputDir), ...masked, precision } as PretrainInput);
  else await finetune({ ...finetuning(data, outputDir), ...shorter, precision } as FinetuneInput);
  return loggedEpochs(outputDir);
}

async function results() {
  const half = await trained("pretrain", "fp16").catch((error: unknown) => messageOf(error));
  if (typeof half === "string") return { refused: half };
  return {
    pretrain: { half, full: await trained("pretrain", "fp32") },
    finetune: { half: await trained("finetune", "fp16"), full: await trained("finetune", "fp32") },
  };
}

process.stdout.write(JSON.stringify(await results()), () => process.exit(0));
