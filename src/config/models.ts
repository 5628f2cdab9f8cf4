/** What resolving a configuration needs to know of a model. */
export interface ModelFacts {
  /** Side of a patch in pixels. */
  patchSize: number;
  /** Side of the square input in pixels. */
  inputSize: number;
}

const encoders: Readonly<Record<string, ModelFacts>> = {
  vit_micro_patch16: { patchSize: 16, inputSize: 224 },
  vit_tiny_patch16: { patchSize: 16, inputSize: 224 },
  vit_small_patch16: { patchSize: 16, inputSize: 224 },
  vit_base_patch16: { patchSize: 16, inputSize: 224 },
  vit_large_patch16: { patchSize: 16, inputSize: 224 },
  vit_huge_patch14: { patchSize: 14, inputSize: 224 },
};

const pretrainPrefix = "msmae_";

/** Names of the classifiers, or of the models with a decoder that pre-training takes. */
export function modelNames(kind: "classifier" | "pretraining"): string[] {
  const names = Object.keys(encoders);
  return kind === "classifier" ? names : names.map((name) => pretrainPrefix + name);
}

export function modelFacts(name: string): ModelFacts | undefined {
  return encoders[name.startsWith(pretrainPrefix) ? name.slice(pretrainPrefix.length) : name];
}
