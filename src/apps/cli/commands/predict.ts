import { verbs } from "../../../config/index.ts";
import { formatNumber } from "../output.ts";
import { nameOf, type VerbCommand, writeLines } from "./command.ts";

export const predict: VerbCommand<typeof verbs.predict> = {
  verb: verbs.predict,
  summary: "Name the class of image files, a line each.",
  example: "predict --checkpoint runs/finetune/best.safetensors scan-1.png scan-2.jpg",
  notes: "A file that cannot be read gets a line with its error; the exit code is 3 only if none could be read.",
  async run(options, context) {
    await writeLines(context.verbs.predict(options, context.hooks), context, (line) => {
      const probability = line.probabilities[line.class];
      return `${nameOf(line)}  ${line.class}  ${probability === undefined ? "" : formatNumber(probability)}`.trimEnd();
    });
  },
};
