import { formatRecord } from "../output.ts";
import type { VerbCommand } from "./command.ts";

export const demo: VerbCommand<"demo"> = {
  name: "demo",
  summary: "Run the whole method on images drawn for it, and write a report; takes under three minutes.",
  example: "demo --output-dir runs/demo",
  async run(options, { verbs, hooks, output }) {
    const result = await verbs.demo(options, hooks);
    await output.write(result, formatRecord(result));
  },
};
