// The worker of a browser in which graphs run: no page may wait for threads, and a busy one would not answer its user.

import { webBackend } from "../runtime/web-backend.ts";
import { spawnWebThread } from "../runtime/web-threads.ts";
import { answering } from "./answering.ts";
import { EngineCore } from "./core.ts";
import type { EngineRequest } from "./protocol.ts";
import type { EngineSetup } from "./setup.ts";

addEventListener(
  "message",
  ({ data: setup }: MessageEvent<EngineSetup>) => {
    const core = EngineCore.create(setup, webBackend, spawnWebThread);
    const take = answering(core, (reply) => postMessage(reply));
    addEventListener("message", ({ data }: MessageEvent<EngineRequest>) => take(data));
  },
  { once: true },
);
