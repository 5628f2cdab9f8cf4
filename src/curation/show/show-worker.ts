import type { DataShowOptions } from "../../config/index.ts";
import { type PortableError, toPortable } from "../../support/errors.ts";
import { serveTasks } from "../../support/threads/watched-worker.ts";
import { type ShowResult, showImageFile } from "./show.ts";

export type ShowAnswer = { shown: ShowResult } | { error: PortableError };

serveTasks<undefined, DataShowOptions, ShowAnswer>(() => (options, { onStep }) => {
  return showImageFile(options, onStep).then(
    (shown) => ({ shown }),
    (error: unknown) => ({ error: toPortable(error) }),
  );
});
