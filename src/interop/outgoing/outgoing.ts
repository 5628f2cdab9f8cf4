import type { ModelDescription } from "../model-file.ts";
import type { TensorToStore } from "../safetensors.ts";

/** A model of ours that is to leave: its tensors under our keys, in float32 as they are computed with. */
export interface LeavingModel {
  /** For errors. */
  where: string;
  description: ModelDescription;
  tensors: ReadonlyMap<string, TensorToStore>;
}

/** A model as another program loads it. */
export interface Departure {
  tensors: ReadonlyMap<string, TensorToStore>;
  /** Our keys that it has no place for. */
  dropped: readonly string[];
  /** Files to stand beside the weights, by name, as JSON. */
  beside: Readonly<Record<string, object>>;
  /** What is to be known of the model beside mean, deviation, class names and licence, by name. */
  facts?: Readonly<Record<string, object>>;
  /** Under which key its programs keep the tensors in a file of torch.save; absent where they stand there alone. */
  under?: string;
  /** The class that loads it there, and how it is made. */
  loads: string;
}

/** How models leave for another program. */
export interface Destination {
  /** As `--to` names it. */
  readonly name: "timm" | "mae" | "hf" | "pytorch";
  /** @throws MsmaeError Checkpoint for a kind of model that it has no class for. */
  depart(model: LeavingModel): Departure;
}
