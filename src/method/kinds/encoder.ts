import type { ClassifierConfig } from "../models/config.ts";
import { featuresGraph, frozenEncoderSpecs } from "../models/linear-probe.ts";
import type { EncoderPreset } from "../models/presets.ts";
import type { ModelKind } from "./kind.ts";
import { linearProbeKind } from "./linear-probe.ts";

/** A frozen encoder whose output is `features` [batch, D]. No checkpoint is of this kind: those of all others can be read as it. */
export const encoderKind: ModelKind<ClassifierConfig, object, EncoderPreset> = {
  ...linearProbeKind,
  name: "encoder",
  title: "an encoder",
  wanted: "an encoder",
  classifies: false,
  specs: frozenEncoderSpecs,
  forward: featuresGraph,
};
