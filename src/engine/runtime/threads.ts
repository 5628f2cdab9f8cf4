/** A helper thread as its owner sees it. */
export interface HelperThread {
  terminate(): void;
}

/**
 * Starts a helper thread: it imports `module` and calls its exported `runThread(data)`. What differs between Node and
 * browsers stays behind this function, so that the rooms that use threads run in both. `onEnd` is called once when the
 * thread is gone, with the reason.
 */
export type SpawnThread = (module: URL, data: unknown, onEnd: (reason: string) => void) => HelperThread;
