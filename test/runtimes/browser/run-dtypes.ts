// Runs in Chromium, in the page itself: every dtype in and out of a graph.
import type { DType, TensorData } from "../../../src/engine/graph/dtypes.ts";
import { compile, type Outputs, Program, webBackend } from "../../../src/web.ts";
import { dtypeProgram } from "../../support/dtype-program.ts";

/** Arrays as text, which passes from a browser to Node: the kind and the elements. */
export type Told = Record<string, string>;

export function told(outputs: Outputs): Told {
  const tell = (data: TensorData) => `${data.constructor.name} ${data.join(" ")}`;
  return Object.fromEntries(Object.entries(outputs).map(([name, data]) => [name, tell(data)]));
}

export async function runDtypes(provider: "wasm" | "webgpu", dtypes: readonly DType[]): Promise<Told> {
  const { graph, feeds } = dtypeProgram(dtypes);
  const program = await Program.load(webBackend, compile(graph, provider), { provider, threads: 1 });
  return told(await program.run(feeds));
}
