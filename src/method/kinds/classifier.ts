import { z } from "zod";
import { FeedBuilder, rowsGoingOn } from "../feeds.ts";
import { budgetedClassifierGraph, budgetedClassifierGraphs, keptPatches } from "../models/budgeted-classifier.ts";
import { classifierGraph, classifierSpecs } from "../models/classifier.ts";
import { type ClassifierConfig, patchCount } from "../models/config.ts";
import { type EncoderPreset, encoderPresets } from "../models/presets.ts";
import { encoderShape } from "./encoder-schema.ts";
import type { ModelKind, SecondPart } from "./kind.ts";

/** The encoder with a head of one logit per class: what fine-tuning leaves. */
export const classifierKind: ModelKind<ClassifierConfig, object, EncoderPreset> = {
  name: "classifier",
  title: "a classifier",
  wanted: "a classifier",
  writtenBy: "msmae finetune",
  config: z.object({ ...encoderShape, globalPool: z.enum(["avg", "cls"]) }),
  facts: z.object({}),
  presets: encoderPresets,
  classifies: true,
  card: {
    pipelineTag: "image-classification",
    use: "Research on image classification: comparing methods, studying where a model looks, teaching.",
    output: (classNames) => `one probability per class: ${classNames.join(", ")}`,
  },
  specs: classifierSpecs,
  forward: (config, batch) => classifierGraph(config, { batch, kept: "all" }),
  budgeted(config, { batch, keepRatio }) {
    const { first, rest } = budgetedClassifierGraphs(config, { batch, keepRatio });
    const kept = keptPatches(config, keepRatio);
    const { numHeads: heads } = config;
    const feedsOf: SecondPart["feedsOf"] = ({ tokens, attention = new Float32Array() }) => ({
      tokens: tokens as Float32Array,
      going: rowsGoingOn(attention, { batch, heads, patches: patchCount(config), kept }),
    });
    const whole = () => budgetedClassifierGraph(config, { batch, keepRatio });
    return { first, rest: { graph: rest, feedsOf }, whole, kept };
  },
  feeder: (config, normalizer) => new FeedBuilder(config, normalizer),
  encoder: (config) => config,
  recognises: (keys) => keys.has("head.weight"),
};
