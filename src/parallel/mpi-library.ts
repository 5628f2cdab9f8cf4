import type koffi from "koffi";
import { MsmaeError, messageOf } from "../support/errors.ts";
import type { Launch, MpiFamily } from "./launch.ts";

/** Names under which the libraries are found, most likely first. */
const names: Readonly<Record<MpiFamily, readonly string[]>> = {
  "Open MPI": ["libmpi.so.40", "libmpi.40.dylib", "libmpi.dylib"],
  MPICH: ["libmpich.so.12", "libmpi.so.12", "libmpich.12.dylib", "libmpi.12.dylib"],
};

/** The variable that names a library elsewhere. */
const LIBRARY_VARIABLE = "MSMAE_MPI_LIBRARY";

/** The predefined handles are ints in MPICH's ABI, addresses of symbols in Open MPI's. */
const mpich = { communicator: 0x44000000, bytes: 0x4c00010d } as const;
const THREAD_FUNNELED = 1;
const VERSION_BYTES = 16384;
/** More than a status takes in either ABI. */
const STATUS_BYTES = 256;

/** How long a wait asks again and again, in ms, before it sleeps in between: others may still compute. */
const EAGER_MS = 2;
const NAP_MS = 0.5;

type Koffi = typeof koffi;
type Library = ReturnType<Koffi["load"]>;
/** A function of the library: its arguments as its prototype says, and an error code. */
type Call = (...parameters: unknown[]) => number;

/** MPI as this package calls it, from one thread, in which calls wait. Bytes stand on shared memory, which never moves. */
export interface Mpi {
  /** What the library says of itself, such as "Open MPI v4.1.4". */
  version: string;
  rank: number;
  size: number;
  alltoall(send: Uint8Array, received: Uint8Array): void;
  allgather(send: Uint8Array, received: Uint8Array): void;
  broadcast(bytes: Uint8Array): void;
  finalize(): void;
  abort(code: number): void;
}

/**
 * Binds the library of MPI that belongs to the launcher, and initialises it: this thread is the one that calls it.
 *
 * @throws MsmaeError Device where koffi or the library is missing, or does not see the processes that were started.
 */
export async function startMpi(launch: Launch): Promise<Mpi> {
  const { default: bridge } = await import("koffi").catch((cause: unknown) => {
    throw missing(launch, "the package koffi", messageOf(cause), "npm install koffi beside msmae", cause);
  });
  const library = load(bridge, launch);
  const version = versionOf(library);
  const family = familyOf(version);
  if (family === undefined) {
    throw missing(launch, "Open MPI, MPICH, Intel MPI or MVAPICH", version, `name another in ${LIBRARY_VARIABLE}`);
  }
  const isMpich = family === "MPICH";
  const [handle, request] = isMpich ? ["int", "int"] : ["void *", "void *"];
  const address = (symbol: string): unknown => library.symbol(symbol, "uint8_t");
  const communicator = isMpich ? mpich.communicator : address("ompi_mpi_comm_world");
  const bytes = isMpich ? mpich.bytes : address("ompi_mpi_byte");
  const bind = (prototype: string): Call => {
    const call = library.func(prototype) as (...parameters: unknown[]) => unknown;
    return (...parameters) => checked(prototype, call(...parameters));
  };

  const initialize = bind("int MPI_Init_thread(void *, void *, int, _Out_ int *)");
  const rankOf = bind(`int MPI_Comm_rank(${handle}, _Out_ int *)`);
  const sizeOf = bind(`int MPI_Comm_size(${handle}, _Out_ int *)`);
  const parts = `void *, int, ${handle}, void *, int, ${handle}, ${handle}, _Out_ ${request} *`;
  const alltoall = bind(`int MPI_Ialltoall(${parts})`);
  const allgather = bind(`int MPI_Iallgather(${parts})`);
  const broadcast = bind(`int MPI_Ibcast(void *, int, ${handle}, int, ${handle}, _Out_ ${request} *)`);
  const test = bind(`int MPI_Test(_Inout_ ${request} *, _Out_ int *, void *)`);
  const finalize = bind("int MPI_Finalize()");
  const abort = bind(`int MPI_Abort(${handle}, int)`);

  initialize(null, null, THREAD_FUNNELED, [0]);
  const counted = (count: Call): number => {
    const value = [0];
    count(communicator, value);
    return value[0] as number;
  };
  const [rank, size] = [counted(rankOf), counted(sizeOf)];
  if (size !== launch.size) {
    const expected = `${launch.size} processes, as ${launch.launcher} has started`;
    const todo = `use the launcher of that library, or name the launcher's in ${LIBRARY_VARIABLE}`;
    throw missing(launch, expected, `${size} by ${version}: each would train alone`, todo);
  }

  const status = new Uint8Array(STATUS_BYTES);
  /** What the library has an address of must not be collected meanwhile. */
  const inUse = new Set<unknown>();
  const nap = new Int32Array(new SharedArrayBuffer(4));
  /** Waits for what `start` begins, without holding a core for long: whoever waits often waits for a slower process. */
  const complete = (buffers: readonly Uint8Array[], start: (pending: unknown[]) => void): void => {
    const pending: unknown[] = [null];
    const done = [0];
    inUse.add(buffers);
    start(pending);
    const began = performance.now();
    for (;;) {
      test(pending, done, status);
      if (done[0] !== 0) break;
      if (performance.now() - began > EAGER_MS) Atomics.wait(nap, 0, 0, NAP_MS);
    }
    inUse.delete(buffers);
  };
  return {
    version,
    rank,
    size,
    alltoall(send, received) {
      const each = send.length / size;
      complete([send, received], (pending) =>
        alltoall(send, each, bytes, received, each, bytes, communicator, pending),
      );
    },
    allgather(send, received) {
      const each = send.length;
      complete([send, received], (pending) =>
        allgather(send, each, bytes, received, each, bytes, communicator, pending),
      );
    },
    broadcast: (values) =>
      complete([values], (pending) => broadcast(values, values.length, bytes, 0, communicator, pending)),
    finalize: () => void finalize(),
    abort: (code) => void abort(communicator, code),
  };
}

/** @throws MsmaeError Device where none of the names is found. */
function load(bridge: Koffi, launch: Launch): Library {
  const named = process.env[LIBRARY_VARIABLE];
  const families = launch.family === undefined ? (["Open MPI", "MPICH"] as const) : [launch.family];
  const candidates = named ? [named] : families.flatMap((family) => names[family]);
  const reasons: string[] = [];
  for (const name of candidates) {
    try {
      // Open MPI loads parts of itself later, which look for its functions among all that is loaded.
      return bridge.load(name, { global: true, lazy: true });
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  const todo = `install the library beside the launcher (Debian: libopenmpi3 or libmpich12), or name it in ${LIBRARY_VARIABLE}`;
  throw missing(launch, `the library of ${families.join(" or ")}`, reasons[0] ?? "none", todo);
}

function versionOf(library: Library): string {
  const text = new Uint8Array(VERSION_BYTES);
  const version = library.func("int MPI_Get_library_version(void *, _Out_ int *)") as Call;
  version(text, [0]);
  const [line = ""] = new TextDecoder().decode(text.subarray(0, text.indexOf(0))).split(/[\n,]/);
  return line.replaceAll(/\s+/g, " ").trim();
}

function familyOf(version: string): MpiFamily | undefined {
  if (version.startsWith("Open MPI")) return "Open MPI";
  return /^(MPICH|Intel\(R\) MPI|MVAPICH)/.test(version) ? "MPICH" : undefined;
}

/** MPI itself ends the processes where a call fails, unless it was told otherwise. */
function checked(prototype: string, code: unknown): number {
  if (code === 0) return 0;
  throw new MsmaeError("Device", {
    where: "MPI",
    expected: `success of ${prototype.split(/[ (]/)[1]}`,
    got: `error ${String(code)}`,
    todo: "look at the messages of the launcher, then go on with --resume",
  });
}

function missing({ launcher, size }: Launch, expected: string, got: string, todo: string, cause?: unknown): MsmaeError {
  const where = `${size} processes started by ${launcher}`;
  return new MsmaeError("Device", { where, expected, got, todo }, { cause });
}
