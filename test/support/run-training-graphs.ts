// Loads the graph of every phase on a provider, which refuses one that has a node for another; prints by name why, or
// nothing, as JSON. A process of its own, because a missing adapter may end it: node run-training-graphs.ts <provider>
import { smallBatch, smallConfig } from "../../bench/check.ts";
import { phases } from "../../bench/phases.ts";
import { workload } from "../../bench/workload.ts";
import type { Provider } from "../../src/engine/onnx/operators.ts";
import { nodeBackend } from "../../src/engine/runtime/node-backend.ts";
import { compile } from "../../src/engine/runtime/program.ts";
import { messageOf } from "../../src/support/errors.ts";

const provider = process.argv[2] as Provider;
const results: Record<string, string> = {};
for (const phase of phases) {
  const { graph } = workload(phase, smallConfig, smallBatch);
  try {
    const session = await nodeBackend.createSession(compile(graph, provider).model, { provider, threads: 1 });
    await session.release();
    results[phase] = "";
  } catch (error) {
    results[phase] = messageOf(error);
  }
}
process.stdout.write(JSON.stringify(results), () => process.exit(0));
