import type { EncoderConfig, GlobalPool, MaeConfig } from "../../method/models/config.ts";
import { foldedHead } from "../../method/models/linear-probe.ts";
import { MsmaeError } from "../../support/errors.ts";
import { kindOf } from "../model-file.ts";
import type { TensorToStore } from "../safetensors.ts";
import type { LeavingModel } from "./outgoing.ts";

/** A vision transformer that is to leave, in parts. */
export interface LeavingTransformer {
  config: EncoderConfig & Partial<MaeConfig>;
  /** What its head or its features are of. */
  globalPool: GlobalPool;
  /** Tokens, positions, kernel, blocks and norms. */
  encoder: ReadonlyMap<string, TensorToStore>;
  /** The linear layer of a classifier under `head`, a probe's normalisation within it; empty without classes. */
  head: ReadonlyMap<string, TensorToStore>;
  /** Empty without one. */
  decoder: ReadonlyMap<string, TensorToStore>;
  classes: number;
}

const DECODER = /^(decoder_|mask_token$)/;

/** @throws MsmaeError Checkpoint for a network without a vision transformer, and for segmenters, whose heads are ours. */
export function leavingTransformer({ where, description, tensors }: LeavingModel): LeavingTransformer {
  const kind = kindOf(description);
  const config = kind.encoder(description.config);
  if (!config || kind.name === "segmenter") {
    throw new MsmaeError("Checkpoint", {
      where,
      expected: "a vision transformer with or without a decoder or a linear head",
      got: kind.title,
      todo: kind.name === "segmenter" ? "use --to pytorch" : "use a checkpoint of another kind",
    });
  }
  const part = (belongs: (key: string) => boolean) => new Map([...tensors].filter(([key]) => belongs(key)));
  const decoder = part((key) => DECODER.test(key));
  const globalPool = "globalPool" in config && config.globalPool === "avg" ? "avg" : "cls";
  // Another program's model to reconstruct with has no classes, and a head only because ours have one.
  const classes = kind.classifies || description.classNames.length > 0 ? config.numClasses : 0;
  return {
    ...{ config, globalPool, decoder, classes },
    encoder: part((key) => !DECODER.test(key) && !key.startsWith("head.")),
    head: classes > 0 ? linearHead(tensors, config) : new Map(),
  };
}

function linearHead(
  tensors: ReadonlyMap<string, TensorToStore>,
  { numClasses, embedDim }: EncoderConfig,
): ReadonlyMap<string, TensorToStore> {
  if (!tensors.has("head.1.weight")) return new Map([...tensors].filter(([key]) => key.startsWith("head.")));
  const { weight, bias } = foldedHead((key) => tensors.get(key)?.data as Float32Array);
  return new Map([
    ["head.weight", { shape: [numClasses, embedDim], data: weight }],
    ["head.bias", { shape: [numClasses], data: bias }],
  ]);
}
