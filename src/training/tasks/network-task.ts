import type { FinetuneOptions } from "../../config/index.ts";
import { normalizerOf } from "../../inference/session.ts";
import type { NetworkKind } from "../../method/kinds/network.ts";
import { dropPathRates } from "../../method/models/classifier.ts";
import type { ImageModelConfig } from "../../method/models/config.ts";
import { networkTrainingGraph } from "../../method/models/network.ts";
import type { RunContext } from "../definition.ts";
import type { TrainingTask } from "../task.ts";
import { TrainingImages } from "../training-images.ts";
import { classification } from "./classification.ts";
import { dropPathFeeds } from "./drop-path.ts";

/** What the loop needs to know of training a network that sees whole images: one graph, and no state but that of what
 * is told. */
export function networkTask(context: RunContext<FinetuneOptions, ImageModelConfig>, kind: NetworkKind): TrainingTask {
  const { options, loader, plan, hooks } = context;
  hooks.onEvent?.({ type: "note", message: `training ${options.model} on whole images` });
  const { config } = plan;
  const { batchSize } = options;
  const { mix, targetsOf, loss, ...told } = classification(context);
  const rates = dropPathRates(kind.blocks(config), options.dropPath);
  const skipped = dropPathFeeds(rates, options);
  const feeds = kind.feeder(config, normalizerOf({ ...options, config }));
  const images = new TrainingImages(loader, options);
  const graph = networkTrainingGraph(kind.network, config, { batch: batchSize, dropPathRates: rates, loss });
  const phase = images.phase(graph, (batch, epoch, batchIndex) => {
    const mixes = mix(batch, epoch, batchIndex);
    return {
      ...feeds.whole(batch.images, batchSize),
      ...targetsOf(batch, mixes),
      ...skipped(epoch, batchIndex),
    };
  });
  return { batchesPerEpoch: images.batchesPerEpoch, phase: () => phase, ...told };
}
