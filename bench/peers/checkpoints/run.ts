/**
 * Converts and runs checkpoints that check.py made.
 *
 * Usage: node bench/peers/checkpoints/run.ts FOLDER. FOLDER/cases.json lists cases: `name`, `checkpoint`, `from`, options of
 * `convert`, `to` destinations, and `refused` for those that must not load. FOLDER/NAME.feeds.safetensors holds what the
 * graph is fed, beginning with `patches`. Writes FOLDER/NAME/own.safetensors and model.safetensors of each destination, the
 * outputs as FOLDER/NAME.outputs.safetensors, and FOLDER/results.json.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { floatsOf } from "../../../src/engine/runtime/program.ts";
import { openModel } from "../../../src/inference/session.ts";
import { convert } from "../../../src/interop/convert.ts";
import { readSafetensorsFile, writeSafetensorsFile } from "../../../src/interop/safetensors-file.ts";
import { toFloat32, toFloat64 } from "../../../src/interop/tensor-values.ts";
import type { MaeConfig } from "../../../src/method/models/config.ts";
import { reconstructionGraph } from "../../../src/method/models/mae.ts";
import { messageOf } from "../../../src/support/errors.ts";

interface Case {
  name: string;
  checkpoint: string;
  options: Record<string, unknown>;
  to: ("timm" | "mae" | "hf")[];
  batch: number;
  refused?: boolean;
}

const folder = process.argv[2] ?? "";
const cases = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8")) as Case[];
const results: Record<string, unknown> = {};
for (const one of cases) {
  try {
    results[one.name] = await run(one);
  } catch (error) {
    results[one.name] = { error: messageOf(error) };
  }
}
writeFileSync(join(folder, "results.json"), JSON.stringify(results, null, 2));

async function run({ name, checkpoint, options, to, batch }: Case): Promise<Record<string, unknown>> {
  mkdirSync(join(folder, name), { recursive: true });
  const own = join(folder, name, "own.safetensors");
  const converted = await convert({ ...options, checkpoint: join(folder, checkpoint), output: own, overwrite: true });
  const { tensors } = await readSafetensorsFile(join(folder, `${name}.feeds.safetensors`));
  const model = await openModel(own, undefined, { device: "cpu", threads: 1, allowPartial: false });
  try {
    const { config } = model.description;
    const places = tensors.get("positions");
    const kept = (places?.shape[0] ?? 0) / batch;
    const masked = (tensors.get("maskPositions")?.shape[0] ?? 0) / batch;
    const graph = places
      ? reconstructionGraph(config as MaeConfig, { batch, kept, masked })
      : model.kind.forward?.(config, batch);
    if (!graph) throw new Error(`${name}: a kind without outputs`);
    await model.engine.load(graph);
    const feeds = [...tensors].map(([key, tensor]) => {
      const wide = tensor.dtype === "I64";
      return [
        key,
        wide ? BigInt64Array.from(toFloat64(tensor), BigInt) : Float32Array.from(toFloat32(tensor)),
      ] as const;
    });
    const outputs = floatsOf(await model.engine.run(graph.name, Object.fromEntries(feeds)));
    const stored = Object.entries(outputs).map(([key, data]) => [key, { shape: [data.length], data }] as const);
    await writeSafetensorsFile(join(folder, `${name}.outputs.safetensors`), new Map(stored));
  } finally {
    await model.close();
  }
  for (const destination of to) {
    mkdirSync(join(folder, name, destination), { recursive: true });
    const output = join(folder, name, destination, "model.safetensors");
    await convert({ checkpoint: own, output, to: destination, overwrite: true });
  }
  return { ...converted };
}
