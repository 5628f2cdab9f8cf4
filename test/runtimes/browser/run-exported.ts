// Runs in Chromium, in the page itself: an exported model, as a page without msmae does.
import * as ort from "onnxruntime-web/webgpu";
import type { ExportedFeed } from "../../support/exported.ts";

/** What a model on the page's server gives of its feed, which lies beside it, by output. */
export async function runExported(file: string): Promise<Record<string, number[]>> {
  ort.env.wasm.numThreads = 1;
  const { name, dtype, values, dims } = (await (await fetch(`/${file}.json`)).json()) as ExportedFeed;
  const model = await (await fetch(`/${file}`)).arrayBuffer();
  const session = await ort.InferenceSession.create(model, { executionProviders: ["webgpu"], logSeverityLevel: 3 });
  const data = dtype === "uint8" ? Uint8Array.from(values) : Float32Array.from(values);
  const told = await session.run({ [name]: new ort.Tensor(dtype, data, dims) });
  await session.release();
  return Object.fromEntries(Object.entries(told).map(([key, { data }]) => [key, Array.from(data as Float32Array)]));
}
