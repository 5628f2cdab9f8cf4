// Pure pixel functions on plain typed arrays, without node:* in their import graph.
export { classColour, classesAt, maskPixels, outlineClasses } from "./classes.ts";
export { type ColourMapName, colourTable } from "./colour-map.ts";
export { enlargeMap } from "./enlarge-map.ts";
export { blankImage, enlarge, enlargeGrid, type Grid, greyToRgb, type RgbImage, rasterToRgb } from "./image.ts";
export {
  centreMap,
  type Localisation,
  type LocalisationFigure,
  type LocalisationInput,
  type LookingFigures,
  localisation,
  lookingFigures,
} from "./localisation.ts";
export { type OutlinePairOptions, outlinePair, TRUTH_COLOUR } from "./outline-pair.ts";
export { outlineMask, overlayMap } from "./overlay.ts";
export { type PointingGameResult, pointingGame } from "./pointing-game.ts";
export {
  contactSheet,
  maskingView,
  type PatchMask,
  predictionToImage,
  reconstructionPanel,
  reconstructionPictures,
} from "./reconstruction.ts";
