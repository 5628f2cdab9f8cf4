import { parseArgs } from "node:util";
import { messageOf } from "../../src/support/errors.ts";
import type { Comparison } from "./harness.ts";
import { formatCase, formatSummary } from "./report.ts";
import { listCases, runCase } from "./run.ts";

const usage = `Usage: npm run -s parity -- --goldens DIR [--json]

Compares every tensor of every case in DIR/index.json, and of the tables, images, schedules, parameter groups and
metrics beside it, with what this project computes: in float64 by the interpreter and in fp32 on ONNX Runtime's CPU
provider. --json prints one JSON object per quantity on stdout. Exit status 1 when a quantity is outside its tolerance
or a case could not be run, 2 for a wrong command line, 3 for a folder without goldens.`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = parseOptions();
  if (typeof options === "number") return options;
  const { goldens, json } = options;
  let cases: ReturnType<typeof listCases>;
  try {
    cases = listCases(goldens);
  } catch (error) {
    console.error(
      `error[Data]: ${goldens}: expected a folder with an index.json, got ${messageOf(error)}; check --goldens`,
    );
    return 3;
  }
  const comparisons: Comparison[] = [];
  for (const parityCase of cases) {
    const comparison = await runCase(parityCase);
    comparisons.push(comparison);
    if (json) {
      for (const row of comparison.rows) console.log(JSON.stringify(row));
      for (const quantity of comparison.notCovered) console.error(`not covered yet: ${comparison.name} ${quantity}`);
    } else {
      console.log(`${formatCase(comparison)}\n`);
    }
  }
  (json ? console.error : console.log)(formatSummary(comparisons));
  return comparisons.every(({ rows }) => rows.every(({ ok }) => ok)) ? 0 : 1;
}

function parseOptions(): { goldens: string; json: boolean } | number {
  try {
    const { values } = parseArgs({
      options: { goldens: { type: "string" }, json: { type: "boolean", default: false }, help: { type: "boolean" } },
    });
    if (values.help) {
      console.log(usage);
      return 0;
    }
    if (values.goldens) return { goldens: values.goldens, json: values.json };
    console.error(usage);
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${usage}`);
  }
  return 2;
}
