// Runs exported models on an execution provider of onnxruntime-node and prints, as JSON, what each gives, how many of its nodes ran
// on which provider, or why it does not run. A process of its own, because a missing adapter may end it:
// node run-exported.ts <provider> <folder for profiles> <file.onnx> …, beside each of which a file.onnx.json has the feed.
import { globSync, readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { ExportedFeed } from "./exported.ts";

/** What came of a model: outputs by name, and nodes by provider. */
export type RanExported = { outputs: Record<string, number[]>; nodes: Record<string, number> } | { error: string };

const [provider = "", folder = "", ...files] = process.argv.slice(2);

async function run(file: string, prefix: string): Promise<RanExported> {
  const session = await InferenceSession.create(file, {
    ...{ executionProviders: [provider], intraOpNumThreads: 1, logSeverityLevel: 3 },
    ...{ enableProfiling: true, profileFilePrefix: `${folder}/${prefix}` },
  });
  const { name, dtype, values, dims } = JSON.parse(readFileSync(`${file}.json`, "utf8")) as ExportedFeed;
  const data = dtype === "uint8" ? Uint8Array.from(values) : Float32Array.from(values);
  const told = await session.run({ [name]: new Tensor(dtype, data, dims) });
  session.endProfiling();
  const [profile = ""] = globSync(`${folder}/${prefix}*`);
  const nodes: Record<string, number> = {};
  for (const { cat, args } of JSON.parse(readFileSync(profile, "utf8")) as {
    cat: string;
    args?: { provider?: string };
  }[]) {
    if (cat === "Node" && args?.provider) nodes[args.provider] = (nodes[args.provider] ?? 0) + 1;
  }
  return {
    outputs: Object.fromEntries(Object.entries(told).map(([key, { data }]) => [key, Array.from(data, Number)])),
    nodes,
  };
}

const ran: Record<string, RanExported> = {};
for (const [i, file] of files.entries()) {
  ran[file] = await run(file, `profile-${i}-`).catch((error: unknown) => ({ error: String(error) }));
}
process.stdout.write(JSON.stringify(ran), () => process.exit(0));
