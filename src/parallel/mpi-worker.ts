// The thread that calls MPI, and the only one: it may wait for other processes while the main thread stays free.
import { parentPort, workerData } from "node:worker_threads";
import { toPortable } from "../support/errors.ts";
import { CompressedExchange } from "./compressed-exchange.ts";
import { Exchange } from "./exchange.ts";
import { gradientCodecs } from "./gradient-codec.ts";
import type { Launch } from "./launch.ts";
import { type Mpi, startMpi } from "./mpi-library.ts";
import type { Joined, RanksCommand, RanksRequest } from "./protocol.ts";
import type { Travel } from "./ranks.ts";

const port = parentPort;
if (!port) throw new Error("this module runs as a worker");
const started = startMpi(workerData as Launch).then((mpi) => ({ mpi, exchange: new Exchange(mpi) }));
/** For gradients that travel in fewer bits, by form and part: each keeps what it has not sent yet. */
const compressed = new Map<string, CompressedExchange>();
// The first request hears of a failure.
started.catch(() => undefined);
let last: Promise<unknown> = started;

port.on("message", (request: RanksRequest) => {
  last = last
    .then(async () => answer(await started, request))
    .then(
      (value) => port.postMessage({ id: request.id, value }),
      (error: unknown) => port.postMessage({ id: request.id, error: toPortable(error) }),
    );
});

function summing(
  mpi: Mpi,
  exchange: Exchange,
  { form = "fp32", part = 0 }: Travel,
): Pick<Exchange, "addInOrder" | "completeSums"> {
  if (form === "fp32") return exchange;
  const key = `${form} ${part}`;
  const known = compressed.get(key) ?? new CompressedExchange(mpi, gradientCodecs[form]);
  compressed.set(key, known);
  return known;
}

function answer({ mpi, exchange }: { mpi: Mpi; exchange: Exchange }, command: RanksCommand): unknown {
  switch (command.kind) {
    case "ready":
      return { rank: mpi.rank, size: mpi.size } satisfies Joined;
    case "gather":
      return exchange.gather(command.bytes);
    case "spread":
      return exchange.spread(command.bytes);
    case "share":
      return exchange.share(command.arrays);
    case "addInOrder":
      return summing(mpi, exchange, command.travel).addInOrder(command.values, command.sums, command.contributors);
    case "completeSums":
      return summing(mpi, exchange, command.travel).completeSums(command.sums);
    case "leave":
      return mpi.finalize();
    case "abort":
      return mpi.abort(command.code);
  }
}
