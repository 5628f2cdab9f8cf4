/** Takes what is to be closed later, and hands it back. */
export type Keep = <R extends AsyncDisposable>(resource: R) => R;

/**
 * Runs work that opens things one after another, and closes them in the opposite order, whatever happens: also those
 * opened before another failed to open.
 *
 * `keep` takes what is to be closed and hands it back. The first failure is the one that is thrown: what fails to close
 * after the work has failed, as a stream does on a full disk, says nothing new. (`await using` would bury the first one.)
 */
export async function withResources<T>(work: (keep: Keep) => Promise<T>): Promise<T> {
  const open: AsyncDisposable[] = [];
  const failures: unknown[] = [];
  let result: T | undefined;
  try {
    result = await work((resource) => {
      open.push(resource);
      return resource;
    });
  } catch (error) {
    failures.push(error);
  }
  for (const resource of open.reverse()) {
    try {
      await resource[Symbol.asyncDispose]();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return result as T;
}
