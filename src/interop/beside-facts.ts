import { z } from "zod";
import type { Normalization } from "../images/transforms/normalize.ts";
import { foreignPart } from "./layouts/refusals.ts";

/** What stands beside another program's weights, as far as it is of use here. */
export interface BesideFacts {
  numHeads?: number;
  decoderHeads?: number;
  /** Pixels. */
  inputSize?: { height: number; width: number };
  /** Of the norms. */
  normEpsilon?: number;
  normalization?: Normalization;
  classNames?: readonly string[];
  licence?: string;
  /** Whether a decoder paints pixels normalised within each patch. */
  normPixLoss?: boolean;
}

const numbers = z.array(z.number().finite()).min(1).max(16);
const side = z.int().positive();
const sides = z.union([side.transform((pixels) => [pixels, pixels]), z.tuple([side, side])]);

/** `config.json` of Hugging Face. */
const configSchema = z.object({
  model_type: z.string(),
  num_attention_heads: side.optional(),
  decoder_num_attention_heads: side.optional(),
  image_size: sides.optional(),
  layer_norm_eps: z.number().positive().optional(),
  hidden_act: z.string().optional(),
  use_swiglu_ffn: z.boolean().optional(),
  norm_pix_loss: z.boolean().optional(),
  id2label: z.record(z.string(), z.string()).optional(),
});

/** `config.json` of timm's hub. */
const timmSchema = z.object({
  architecture: z.string(),
  pretrained_cfg: z.object({
    mean: numbers.optional(),
    std: numbers.optional(),
    input_size: z.tuple([side, side, side]).optional(),
  }),
});

/** What `convert` writes beside a file of torch.save, which has no metadata. */
const ownSchema = z.object({ mean: numbers, std: numbers, class_names: z.array(z.string()), licence: z.string() });

/** What `convert` wrote beside weights; nothing where another program wrote it. */
export function convertedFacts(beside: unknown): BesideFacts {
  const said = ownSchema.safeParse(beside).data;
  if (!said) return {};
  const { mean, std, class_names: classNames, licence } = said;
  return { normalization: { mean, std }, classNames, licence };
}

/** `preprocessor_config.json` of Hugging Face. */
const preprocessorSchema = z.object({ image_mean: numbers, image_std: numbers });

/**
 * Reads what Hugging Face and timm write beside weights; files of other programs by these names say nothing.
 *
 * @param config and preprocessor the parsed files, undefined where there is none.
 * @throws MsmaeError Checkpoint for a model that ours cannot be, such as of another activation.
 */
export function besideFacts(where: string, config: unknown, preprocessor: unknown): BesideFacts {
  const timm = timmSchema.safeParse(config).data?.pretrained_cfg;
  if (timm) {
    const { mean, std, input_size: input } = timm;
    return {
      ...(mean && std && { normalization: { mean, std } }),
      ...(input && { inputSize: { height: input[1], width: input[2] } }),
    };
  }
  const facts = hugging(where, configSchema.safeParse(config).data);
  const pixels = preprocessorSchema.safeParse(preprocessor).data;
  return pixels ? { ...facts, normalization: { mean: pixels.image_mean, std: pixels.image_std } } : facts;
}

function hugging(where: string, config: z.output<typeof configSchema> | undefined): BesideFacts {
  if (!config) return {};
  const { hidden_act: activation = "gelu", num_attention_heads: numHeads, layer_norm_eps: normEpsilon } = config;
  if (activation !== "gelu") throw foreignPart(where, `the activation ${activation}`);
  if (config.use_swiglu_ffn) throw foreignPart(where, "a gated MLP (SwiGLU)");
  const { decoder_num_attention_heads: decoderHeads, image_size: [height, width] = [], id2label } = config;
  const classNames =
    id2label &&
    Object.entries(id2label)
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([, name]) => name);
  return {
    ...(numHeads !== undefined && { numHeads }),
    ...(decoderHeads !== undefined && { decoderHeads }),
    ...(normEpsilon !== undefined && { normEpsilon }),
    ...(height !== undefined && width !== undefined && { inputSize: { height, width } }),
    ...(classNames && { classNames }),
    ...(config.norm_pix_loss !== undefined && { normPixLoss: config.norm_pix_loss }),
  };
}
