import { z } from "zod";
import { FeedBuilder } from "../feeds.ts";
import { type EncoderPreset, encoderPresets } from "../models/presets.ts";
import { HEADS, type SegmenterConfig, segmenterGraph, segmenterSpecs } from "../models/segmenter.ts";
import { encoderShape, size } from "./encoder-schema.ts";
import type { ModelKind } from "./kind.ts";

/** The encoder with a head that tells the class of each pixel. Its classes are those of masks, the background first. */
export const segmenterKind: ModelKind<SegmenterConfig, object, EncoderPreset> = {
  name: "segmenter",
  title: "a segmenter",
  wanted: "a segmenter",
  writtenBy: "msmae segment",
  config: z
    .object({
      ...encoderShape,
      numClasses: z.int().min(2).max(255),
      head: z.enum(HEADS),
      headWidth: size,
      taps: z.array(z.int().min(0)).min(1).max(64),
      deepSupervision: z.boolean(),
    })
    .refine(({ taps, depth }) => taps.every((tap) => tap < depth), "taps beyond the encoder's blocks"),
  facts: z.object({}),
  presets: encoderPresets,
  classifies: true,
  card: {
    pipelineTag: "image-segmentation",
    use: "Research on image segmentation: comparing methods, measuring what a model outlines, teaching.",
    output: (classNames) => `the class of each pixel: ${classNames.join(", ")}`,
  },
  specs: segmenterSpecs,
  forward: (config, batch) => {
    const { inputHeight: height, inputWidth: width } = config;
    return segmenterGraph(config, { batch, size: { height, width }, output: "probabilities" });
  },
  feeder: (config, normalizer) => new FeedBuilder(config, normalizer),
  encoder: (config) => config,
  recognises: (keys) => [...keys].some((key) => key.startsWith("heads.")),
};
