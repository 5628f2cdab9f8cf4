import type { ClassifierConfig } from "../models/config.ts";
import { featuresGraph, frozenEncoderSpecs } from "../models/linear-probe.ts";
import type { EncoderPreset } from "../models/presets.ts";
import type { ModelKind } from "./kind.ts";
import { linearProbeKind } from "./linear-probe.ts";
import { pretrainedKind } from "./pretrained.ts";

/**
 * An encoder without a head, whose output is `features` [batch, D]: what conversion makes of other programs' encoders.
 * Checkpoints of all other kinds with a vision transformer can be read as it.
 */
export const encoderKind: ModelKind<ClassifierConfig, object, EncoderPreset> = {
  ...linearProbeKind,
  name: "encoder",
  title: "an encoder",
  wanted: "an encoder",
  writtenBy: "msmae convert",
  classifies: false,
  card: pretrainedKind.card,
  specs: frozenEncoderSpecs,
  forward: featuresGraph,
  recognises: () => false,
};
