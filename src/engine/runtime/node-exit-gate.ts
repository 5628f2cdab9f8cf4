import type { Backend, DeviceSession, Session, SessionOptions } from "./session.ts";

// The shared word: its lowest bit, and what each call under way adds.
const CLOSED = 1;
const CALL = 2;

/** Longest that a process waits at its end for threads to come out, in milliseconds: one may have died inside. */
const LONGEST_WAIT = 60_000;

const open = new Set<ExitGate>();

/**
 * Between a thread that calls ONNX Runtime and the end of the process. Node ends threads where they stand, and the
 * binding of ONNX Runtime, coming back from a call into a thread that may run no more JavaScript, throws where nobody
 * can catch: the process aborts. So at its end, however it comes about (`process.exit`, an error nobody caught), the
 * process lets no thread enter any more and waits for those inside; Node would wait for them in any case.
 */
export class ExitGate {
  /** int32 [1], for the thread's {@link gatedBackend}. */
  readonly memory = new SharedArrayBuffer(4);
  readonly #word = new Int32Array(this.memory);

  /** From now on the end of the process waits for the thread that is given the memory. */
  constructor() {
    if (open.size === 0) process.on("exit", closeAll);
    open.add(this);
  }

  /** The thread has ended. */
  remove(): void {
    open.delete(this);
    if (open.size === 0) process.off("exit", closeAll);
  }

  close(): void {
    Atomics.or(this.#word, 0, CLOSED);
  }

  /** Blocks until the thread is outside, or until `deadline`, a time of `performance.now()`. */
  awaitOutside(deadline: number): void {
    for (;;) {
      const left = deadline - performance.now();
      const word = Atomics.load(this.#word, 0);
      if (word < CALL || left <= 0) return;
      Atomics.wait(this.#word, 0, word, left);
    }
  }
}

function closeAll(): void {
  const deadline = performance.now() + LONGEST_WAIT;
  for (const gate of open) gate.close();
  for (const gate of open) gate.awaitOutside(deadline);
}

/**
 * The thread's side: a backend all of whose calls into its library, the first of which loads it, pass the gate. Once
 * that is closed, they never settle.
 */
export function gatedBackend(backend: Backend, memory: SharedArrayBuffer): Backend {
  const word = new Int32Array(memory);
  const pass = async <T>(call: () => Promise<T>): Promise<T> => {
    const before = Atomics.add(word, 0, CALL);
    try {
      if ((before & CLOSED) === 0) return await call();
    } finally {
      Atomics.sub(word, 0, CALL);
      Atomics.notify(word, 0);
    }
    return new Promise<never>(() => undefined);
  };
  const { createDeviceSession } = backend;
  return {
    createSession: (model, options) =>
      pass(async (): Promise<Session> => {
        const session = await backend.createSession(model, options);
        return {
          run: (feeds, into) => pass(() => session.run(feeds, into)),
          release: () => pass(() => session.release()),
        };
      }),
    ...(createDeviceSession && {
      createDeviceSession: (model: Uint8Array, options: SessionOptions) =>
        pass(async (): Promise<DeviceSession> => {
          const session = await createDeviceSession(model, options);
          return { run: (feeds) => pass(() => session.run(feeds)), release: () => pass(() => session.release()) };
        }),
    }),
  };
}
