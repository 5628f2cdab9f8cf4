import { verbs } from "../../../config/index.ts";
import { formatDuration } from "../output.ts";
import type { DemoResult } from "../verbs.ts";
import type { VerbCommand } from "./command.ts";

export const demo: VerbCommand<typeof verbs.demo> = {
  verb: verbs.demo,
  summary: "Run the whole method on images drawn for it, and write a report; takes under three minutes.",
  example: "demo --output-dir runs/demo",
  async run(options, { verbs: library, hooks, output }) {
    const result = await library.demo(options, hooks);
    await output.write(result, describe(result));
  },
};

function describe({ accuracy, chance, pointingGame, reportPath, seconds }: DemoResult): string[] {
  const { supervised, random, chance: point } = pointingGame;
  return [
    `Done in ${formatDuration(seconds)}.`,
    `Classes told right:        ${percent(accuracy)} of test images (guessing: ${percent(chance)})`,
    `Attention on the lesion:   ${percent(supervised)} of test images (untrained network: ${percent(random)}, a random point: ${percent(point)})`,
    `Report, open in a browser: ${reportPath}`,
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
