import { z } from "zod";
import { HEAD_FUSIONS, MAP_BLOCKS } from "../models/config.ts";

/** No model is larger in any respect; a file that claims more would keep the machine busy before its tensors are compared. */
export const size = z.int().positive().max(65_536);
/** Of what is counted in blocks. */
export const count = z.int().positive().max(1_024);

/** The shape of a Vision Transformer's encoder, as it stands in checkpoints. */
export const encoderShape = {
  inputHeight: size,
  inputWidth: size,
  patchSize: size,
  inChans: size,
  embedDim: size,
  depth: count,
  numHeads: size,
  mlpRatio: z.number().positive().max(64),
  numClasses: size,
  /** How its attention is read; files from before there was a choice have none. */
  mapHeads: z.enum(HEAD_FUSIONS).optional(),
  mapBlocks: z.enum(MAP_BLOCKS).optional(),
  /** Of models that another program made. */
  normEpsilon: z.number().positive().max(1).optional(),
};
