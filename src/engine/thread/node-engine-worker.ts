// The thread of Node in which graphs run: ONNX Runtime blocks it, so that the main thread stays free.
import { parentPort, workerData } from "node:worker_threads";
import { nodeBackend } from "../runtime/node-backend.ts";
import { gatedBackend } from "../runtime/node-exit-gate.ts";
import { spawnNodeThread } from "../runtime/node-threads.ts";
import { answering } from "./answering.ts";
import { EngineCore } from "./core.ts";
import type { EngineThreadData } from "./node-engine.ts";

const port = parentPort;
if (!port) throw new Error("this module runs as a worker");
const { setup, gate } = workerData as EngineThreadData;
const core = EngineCore.create(setup, gatedBackend(nodeBackend, gate), spawnNodeThread);
port.on(
  "message",
  answering(core, (reply) => port.postMessage(reply)),
);
