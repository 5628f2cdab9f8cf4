import { FeedBuilder } from "../feeds.ts";
import type { ClassifierConfig } from "../models/config.ts";
import { linearProbeGraph, linearProbeSpecs } from "../models/linear-probe.ts";
import { type EncoderPreset, encoderPresets } from "../models/presets.ts";
import { classifierKind } from "./classifier.ts";
import type { ModelKind } from "./kind.ts";

/** A frozen encoder with a normalisation and a linear layer: what a linear probe goes on from. */
export const linearProbeKind: ModelKind<ClassifierConfig, object, EncoderPreset> = {
  name: "linear-probe",
  title: "a linear probe",
  wanted: "a linear probe",
  writtenBy: "msmae linprobe",
  config: classifierKind.config,
  facts: classifierKind.facts,
  presets: encoderPresets,
  classifies: true,
  card: {
    ...classifierKind.card,
    use: "Research on what an encoder has learned: comparing ways to pre-train, teaching.",
  },
  specs: linearProbeSpecs,
  forward: linearProbeGraph,
  feeder: (config, normalizer) => new FeedBuilder(config, normalizer),
  encoder: (config) => config,
  recognises: (keys) => keys.has("head.0.running_mean") && keys.has("head.1.weight"),
};
