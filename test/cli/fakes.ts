import { PassThrough } from "node:stream";
import type { Streams } from "../../src/apps/cli/output.ts";
import { runCli } from "../../src/apps/cli/program.ts";
import type { Verbs } from "../../src/apps/cli/verbs.ts";

/** A library in which every function fails, save those a test gives. */
export function fakeLibrary(functions: Partial<Verbs>): Verbs {
  const refuse = (name: string) => () => {
    throw new Error(`${name} was not expected to be called`);
  };
  return {
    demo: refuse("demo"),
    pretrain: refuse("pretrain"),
    finetune: refuse("finetune"),
    evaluate: refuse("evaluate"),
    predict: refuse("predict"),
    attentionMaps: refuse("attentionMaps"),
    reconstruct: refuse("reconstruct"),
    flops: refuse("flops"),
    inspect: refuse("inspect"),
    dataShow: refuse("dataShow"),
    dataCheck: refuse("dataCheck"),
    dataAnonymise: refuse("dataAnonymise"),
    dataStats: refuse("dataStats"),
    dataSplit: refuse("dataSplit"),
    dataPrepare: refuse("dataPrepare"),
    ...functions,
  };
}

/** Runs a command line in this process and collects what it wrote. */
export async function run(
  argv: string[],
  functions: Partial<Verbs> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const written = { stdout: "", stderr: "" };
  stdout.on("data", (chunk: Buffer) => {
    written.stdout += chunk.toString();
  });
  stderr.on("data", (chunk: Buffer) => {
    written.stderr += chunk.toString();
  });
  const streams: Streams = { stdout, stderr };
  const code = await runCli(argv, fakeLibrary(functions), streams);
  return { code, ...written };
}
