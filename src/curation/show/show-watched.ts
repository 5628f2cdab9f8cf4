import { type DataShowInput, type DataShowOptions, resolveOptions, verbs } from "../../config/index.ts";
import { fromPortable } from "../../support/errors.ts";
import { moduleUrl } from "../../support/module-url.ts";
import { endOfThread, ITEM_SECONDS, WatchedThread } from "../../support/threads/watched-thread.ts";
import type { ShowResult } from "./show.ts";
import type { ShowAnswer } from "./show-worker.ts";

/**
 * `showImageFile` in a thread of its own, so that a file that ends its thread or never ends is given up.
 *
 * @param itemSeconds longest time for each step of the decoding.
 * @throws MsmaeError as `showImageFile`, and Data for such a file.
 */
export async function showWatched(
  input: DataShowInput | DataShowOptions,
  itemSeconds: number = ITEM_SECONDS,
): Promise<ShowResult> {
  const options = resolveOptions(verbs.dataShow, input);
  return new Promise((resolve, reject) => {
    const thread = new WatchedThread<undefined, DataShowOptions, ShowAnswer>({
      module: moduleUrl("./show-worker", import.meta.url),
      setup: undefined,
      stepSeconds: itemSeconds,
      onDeath: ({ reason }) => reject(endOfThread(options.file, reason)),
    });
    const onResult = async (answer: ShowAnswer): Promise<void> => {
      await thread.close();
      if ("error" in answer) reject(fromPortable(answer.error));
      else resolve(answer.shown);
    };
    thread.start(options, { onResult });
  });
}
