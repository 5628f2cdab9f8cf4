// The thread in which graphs run: ONNX Runtime blocks it, so that the main thread stays free.
import { parentPort, workerData } from "node:worker_threads";
import { toPortable } from "../../support/errors.ts";
import { nodeBackend } from "../runtime/node-backend.ts";
import { gatedBackend } from "../runtime/node-exit-gate.ts";
import { spawnNodeThread } from "../runtime/node-threads.ts";
import { EngineCore } from "./core.ts";
import type { EngineReply, EngineRequest, EngineThreadData } from "./protocol.ts";

const port = parentPort;
if (!port) throw new Error("this module runs as a worker");
const reply = (message: EngineReply) => port.postMessage(message);
const { setup, gate } = workerData as EngineThreadData;

let core: EngineCore | undefined;
// One request after another: a step must not start while another has the parameters in hand.
let last: Promise<unknown> = EngineCore.create(setup, gatedBackend(nodeBackend, gate), spawnNodeThread).then(
  (created) => {
    core = created;
  },
);
// A failure to start is the answer to the first request; until that comes, it must not end the thread unnamed.
last.catch(() => undefined);

port.on("message", (request: EngineRequest) => {
  last = last
    .then(() => answer(core as EngineCore, request))
    .then(
      (value) => reply({ id: request.id, value }),
      (error: unknown) => reply({ id: request.id, error: toPortable(error) }),
    );
});

function answer(engine: EngineCore, request: EngineRequest): Promise<unknown> {
  switch (request.kind) {
    case "ready":
      return Promise.resolve();
    case "load":
      return engine.load(request.graph);
    case "unload":
      return engine.unload(request.name);
    case "run":
      return engine.run(request.name, request.feeds);
    case "train":
      return engine.train(request.name, request.feeds, request.update);
    case "close":
      return engine.close();
  }
}
