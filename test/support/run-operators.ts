// Runs every operator on an execution provider of onnxruntime-node and prints the outputs as JSON. A process of its own,
// because a missing adapter may end it: node run-operators.ts <provider>
import { emitOnnx } from "../../src/engine/onnx/emit.ts";
import type { Provider } from "../../src/engine/onnx/operators.ts";
import { nodeBackend } from "../../src/engine/runtime/node-backend.ts";
import { notOnGpus, opProgram } from "./op-program.ts";

const provider = process.argv[2] as Provider;
const { graph, feeds } = opProgram(provider === "cpu" ? [] : notOnGpus);
const session = await nodeBackend.createSession(emitOnnx(graph, provider), { provider, threads: 1 });
const results = await session.run(feeds, {});
const outputs = Object.entries(results).map(([name, { data }]) => [name, Array.from(data, Number)]);
process.stdout.write(JSON.stringify(Object.fromEntries(outputs)), () => process.exit(0));
