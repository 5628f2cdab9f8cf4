import type { ImageLoader } from "../../data/loader/loader.ts";
import type { ParameterStore } from "../../engine/parameters/parameter-store.ts";
import type { Engine } from "../../engine/thread/engine.ts";
import type { FeedBuilder } from "../../method/feeds.ts";
import type { EncoderConfig } from "../../method/models/config.ts";
import type { Ranks } from "../../parallel/ranks.ts";
import type { RunHooks } from "../../support/events.ts";

/** What maps of training images are made with. */
export interface MaskedRun {
  config: EncoderConfig;
  feeds: FeedBuilder;
  /** Of the training images. */
  loader: ImageLoader;
  engine: Engine;
  /** The weights that the engine runs with. */
  store: ParameterStore;
  hooks: RunHooks;
  /** Processes that need the same maps, and share out the work. */
  ranks: Ranks;
}
