import { toHuggingFace } from "./hugging-face.ts";
import { toMae } from "./mae.ts";
import type { Destination } from "./outgoing.ts";
import { toTimm } from "./timm.ts";

/** Whose classes models may leave for, as `--to` names them. */
export const destinations: Readonly<Record<"timm" | "mae" | "hf", Destination>> = {
  timm: toTimm,
  mae: toMae,
  hf: toHuggingFace,
};
