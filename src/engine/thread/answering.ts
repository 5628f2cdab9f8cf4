import { toPortable } from "../../support/errors.ts";
import type { EngineCore } from "./core.ts";
import type { EngineReply, EngineRequest } from "./protocol.ts";

/**
 * The engine's thread at work: takes requests and answers them one after another, for a step must not start while
 * another has the parameters in hand. A failure to start is the answer to the first request.
 */
export function answering(
  starting: Promise<EngineCore>,
  reply: (message: EngineReply) => void,
): (request: EngineRequest) => void {
  let last: Promise<unknown> = starting;
  // Until the first request comes, a failure must not end the thread unnamed.
  last.catch(() => undefined);
  return (request) => {
    last = last
      .then(async () => answer(await starting, request))
      .then(
        (value) => reply({ id: request.id, value }),
        (error: unknown) => reply({ id: request.id, error: toPortable(error) }),
      );
  };
}

function answer(engine: EngineCore, request: EngineRequest): Promise<unknown> {
  switch (request.kind) {
    case "ready":
      return Promise.resolve();
    case "load":
      return engine.load(request.parts);
    case "unload":
      return engine.unload(request.name);
    case "run":
      return engine.run(request.name, request.feeds);
    case "train":
      return engine.train(request.name, request.feeds, request.update);
    case "trainPart":
      return engine.trainPart(request.name, request.part);
    case "step":
      return engine.step(request.options);
    case "collect":
      return engine.collect();
    case "close":
      return engine.close();
  }
}
