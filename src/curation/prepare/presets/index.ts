import type { PresetName } from "../../../config/verbs/data-prepare.ts";
import type { Preset } from "../types.ts";
import { btmd } from "./btmd.ts";
import { busi } from "./busi.ts";
import { chestxray2017 } from "./chestxray2017.ts";
import { deeplesion } from "./deeplesion.ts";
import { ham10000 } from "./ham10000.ts";
import { isic } from "./isic.ts";
import { kvasirSeg } from "./kvasir-seg.ts";
import { messidor2 } from "./messidor2.ts";

/** Every data set that `msmae data prepare` knows. */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  messidor2,
  btmd,
  ham10000,
  deeplesion,
  chestxray2017,
  busi,
  "kvasir-seg": kvasirSeg,
  isic,
};

/** The first preset that entries of these names look like, `isic` last since its shape is the most general. */
export function presetLike(names: readonly string[]): Preset | undefined {
  return Object.values(PRESETS).find((preset) => preset.recognises(names));
}
