import { toHuggingFace } from "./hugging-face.ts";
import { toMae } from "./mae.ts";
import type { Destination } from "./outgoing.ts";
import { toPyTorch } from "./pytorch.ts";
import { toTimm } from "./timm.ts";

/** Whose classes models may leave for, as `--to` names them. */
export const destinations: Readonly<Record<Destination["name"], Destination>> = {
  timm: toTimm,
  mae: toMae,
  hf: toHuggingFace,
  pytorch: toPyTorch,
};
