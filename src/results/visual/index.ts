// Pure pixel functions on plain typed arrays, without node:* in their import graph.
export { type ColourMapName, colourTable } from "./colour-map.ts";
export { blankImage, copyImage, enlarge, enlargeGrid, type Grid, greyToRgb, type Rgb, type RgbImage } from "./image.ts";
export { type OutlineOptions, type OverlayOptions, outlineMask, overlayMap, resizeGrid } from "./overlay.ts";
export { type PointingGameOptions, type PointingGameResult, pointingGame, wilsonInterval } from "./pointing-game.ts";
export {
  contactSheet,
  maskingView,
  type PatchMask,
  type PatchPrediction,
  type PatchStatistics,
  patchStatistics,
  predictionToImage,
  type ReconstructionPanelInput,
  reconstructionPanel,
  reconstructionPictures,
  type SheetOptions,
} from "./reconstruction.ts";
