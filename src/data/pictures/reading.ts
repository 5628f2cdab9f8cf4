import type { AlphaRule, SliceAxis } from "../../formats/source-image.ts";
import { parseWindow, type WindowRule } from "../../images/window-rule.ts";

/** How pictures are taken from files. */
export interface ReadingOptions {
  window: WindowRule;
  sliceAxis: SliceAxis;
  alpha: AlphaRule;
}

export const DEFAULT_READING: ReadingOptions = { window: parseWindow("auto"), sliceAxis: "axial", alpha: "drop" };
