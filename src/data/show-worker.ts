import { type PortableError, toPortable } from "../errors.ts";
import { type ShowOptions, type ShowResult, showImageFile } from "./show.ts";
import { serveTasks } from "./watched-worker.ts";

export type ShowAnswer = { shown: ShowResult } | { error: PortableError };

serveTasks<undefined, ShowOptions, ShowAnswer>(() => (options, { onStep }) => {
  return showImageFile(options, onStep).then(
    (shown) => ({ shown }),
    (error: unknown) => ({ error: toPortable(error) }),
  );
});
