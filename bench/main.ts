import { MsmaeError, messageOf } from "../src/support/errors.ts";
import { allCommand } from "./all.ts";
import { compareCommand } from "./compare.ts";
import { dataIndexCommand } from "./data-index.ts";
import { deviceCommand } from "./device.ts";
import { efficiencyCommand } from "./efficiency.ts";
import { epochCommand } from "./epoch.ts";
import { UsageError } from "./flags.ts";
import { guardCommand } from "./guard.ts";
import { loaderCommand } from "./loader.ts";
import { precisionCommand } from "./precision.ts";
import { recomputeCommand } from "./recompute.ts";
import { savingsCommand } from "./savings.ts";
import { scalingCommand } from "./scaling.ts";
import { stepCommand } from "./step.ts";

const usage = `Usage:
  npm run -s bench -- step --phase PHASE --model MODEL --batch N [--threads 2] [--precision fp32|int8|int8-all]
                               [--repeats 5] [--warmup 2] [--json]
  npm run -s bench -- compare [--model M] [--phase P] [--batch N] [--threads 2] [--repeats 5] [--python PYTHON] [--json FILE]
  npm run -s bench -- savings [--model M] [--only NAME] [--repeats 5] [--json FILE]
  npm run -s bench -- efficiency [--models micro,tiny,base] [--batch N] [--threads 2] [--repeats 5] [--json FILE]
  npm run -s bench -- precision [--model M] [--phase P] [--batch N] [--threads 2] [--repeats 5] [--json FILE]
  npm run -s bench -- recompute [--model M] [--phase P] [--batch N] [--threads 2] [--precision fp32|int8|int8-all]
                               [--repeats 5] [--anew-only] [--python PYTHON] [--json FILE]
  npm run -s bench -- device --device webgpu|cuda [--model M] [--phase P] [--batch N] [--repeats 5] [--python PYTHON] [--json FILE]
  [mpirun -np N] npm run -s bench -- scaling --model M --batch N [--phase P] [--threads 1] [--repeats 5]
                               [--exchange fp32|bf16|int8] [--json]
  npm run -s bench -- epoch --data FOLDER [--model M] [--batch 16] [--images 160] [--evaluated 64] [--threads 2] [--workers 2]
                               [--python PYTHON] [--json FILE]
  npm run -s bench -- all [--models M,…] [--threads 2] [--repeats 5] [--python PYTHON] [--data FOLDER] [--json FOLDER]
  npm run -s bench -- guard [--only NAME] [--threads 1] [--repeats 7] [--python PYTHON] [--write]
  npm run -s bench -- loader --data FOLDER [--dicom] [--batch 64] [--repeats 3] [--python PYTHON] [--json FILE]
  npm run -s bench -- data-index [--images 100000] [--repeats 5] [--json FILE]

step     checks a small case of the phase against float64 references, then times steps in a fresh process.
compare  times every phase beside the PyTorch peer, training in int8 as well, step by step in turn; writes JSON, prints a
         Markdown table.
savings  times what the engine leaves out or sets, with and without it; the same outputs.
efficiency  fine-tuning and inference on all patches (mae) and on a quarter of them (msmae): time, images a second, peak memory
         and operations of every preset, micro to base unless --models names others; what memory does not allow is skipped.
precision  times training steps in fp32, int8 and int8-all, in turn in one run, after a check of each on a small case.
recompute  times training steps that keep blocks and that compute them anew, in turn, and PyTorch's of both kinds; whoever
           would find too little memory is left out, and with --anew-only those that keep blocks.
device   times steps on a graphics card in fp32 and fp16, beside PyTorch on CUDA, in turn, after a check of each on a small case.
scaling  times steps and the exchange of their gradients in each process of mpirun, and tells what share of the time is spent
         in steps, on other networks by a model.
epoch    a whole epoch of fine-tuning from files to figures, with maps, evaluation and saving, beside the published program's way.
all      compare, efficiency and savings one after the other, and with --data loader; every table.
guard    compares a few ratios, of processor time and of peak memory, with those kept in bench/bars.json for this class of
         processors, and fails where more than 10 % of one is lost, twice; --write keeps the new ones.
loader   reads and augments a folder of class folders with 1 and 2 workers, beside torchvision's DataLoader.
data-index  starts on a data set of many images, first and with the index of files; the same fingerprint.

PHASE is one of finetune, finetune-full, pretrain-attention, pretrain-random, maps, infer-full, infer-masked, segment,
infer-segment, train-resnet, train-swin.
PYTHON, or MSMAE_PYTHON, is an interpreter with PyTorch (bench/peers/pytorch/README.md); without it the peer is skipped.
Exit status 1 when a result does not agree with its reference or a step fails, 2 for a wrong command line.`;

const commands: Readonly<Record<string, (argv: string[]) => Promise<number>>> = {
  device: deviceCommand,
  step: stepCommand,
  compare: compareCommand,
  savings: savingsCommand,
  efficiency: efficiencyCommand,
  all: allCommand,
  guard: guardCommand,
  precision: precisionCommand,
  recompute: recomputeCommand,
  scaling: scalingCommand,
  epoch: epochCommand,
  loader: loaderCommand,
  "data-index": dataIndexCommand,
};

process.exitCode = await main(process.argv.slice(2));

async function main([name = "", ...argv]: string[]): Promise<number> {
  if (name === "--help" || argv.includes("--help")) {
    console.log(usage);
    return 0;
  }
  const command = commands[name];
  if (!command) {
    console.error(usage);
    return 2;
  }
  try {
    return await command(argv);
  } catch (error) {
    const wrongUsage = error instanceof UsageError || (error instanceof MsmaeError && error.code === "Config");
    console.error(wrongUsage ? `${error.message}\n\n${usage}` : `error: ${messageOf(error)}`);
    // Processes that are still being timed would keep this one alive; they end with it.
    process.exit(wrongUsage ? 2 : 1);
  }
}
