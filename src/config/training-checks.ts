import { checkAugmentation } from "./augmentation-checks.ts";
import { checkChannels, checkEpochs, checkPatches, checkRates, checkStart } from "./checks.ts";

/** What holds for every verb that trains on images. */
export const trainingChecks = [
  checkPatches,
  checkChannels,
  checkEpochs,
  checkRates,
  checkStart,
  checkAugmentation,
] as const;
