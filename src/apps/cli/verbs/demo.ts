import { verbs } from "../../../config/index.ts";
import { formatDuration } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const demo = resultVerb({
  options: verbs.demo,
  summary: "Run the whole method on images drawn for it, and write a report; takes under three minutes.",
  example: "demo --output-dir runs/demo",
  run: async (options, hooks) => (await import("../../demo/demo.ts")).demo(options, hooks),
  view({ accuracy, chance, pointingGame, segmentation, reportPath, seconds }) {
    const { supervised, random, chance: point } = pointingGame;
    return [
      `Done in ${formatDuration(seconds)}.`,
      `Classes told right:        ${percent(accuracy)} of test images (guessing: ${percent(chance)})`,
      `Attention on the lesion:   ${percent(supervised)} of test images (untrained network: ${percent(random)}, a random point: ${percent(point)})`,
      `Lesion outlined:           Dice ${segmentation.dice.toFixed(3)} (a disc in the middle of the image: ${segmentation.chance.toFixed(3)})`,
      `Report, open in a browser: ${reportPath}`,
    ];
  },
});

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
