import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { compareCommand } from "./compare.ts";
import { efficiencyCommand } from "./efficiency.ts";
import { modelsOf, readFlags } from "./flags.ts";
import { loaderCommand } from "./loader.ts";
import { savingsCommand } from "./savings.ts";

/** A benchmark with its own flags, and the file that its rows are written to. */
interface Part {
  title: string;
  file: string;
  run(argv: string[]): Promise<number>;
  flags: Readonly<Record<string, string | undefined>>;
}

/** `bench all`: every benchmark that needs no more than this machine, one after the other. Returns the worst exit status. */
export async function allCommand(argv: string[]): Promise<number> {
  const { json, models, data, ...flags } = readFlags(
    argv,
    ["models", "threads", "repeats", "python", "data", "json"],
    [],
  );
  // Before an hour's work rather than in the middle of it.
  modelsOf(models, []);
  const folder = json ?? join(import.meta.dirname, "results", `${new Date().toISOString().slice(0, 10)}-all`);
  await mkdir(folder, { recursive: true });
  const { python, ...steps } = flags;
  const parts: Part[] = [
    { title: "Beside PyTorch", file: "compare", run: compareCommand, flags },
    {
      title: "All patches and a quarter of them",
      file: "efficiency",
      run: efficiencyCommand,
      flags: { ...steps, models },
    },
    { title: "What is not computed", file: "savings", run: savingsCommand, flags: steps },
    ...(data === undefined
      ? []
      : [{ title: "Loading", file: "loader", run: loaderCommand, flags: { repeats: flags.repeats, python, data } }]),
  ];
  let worst = 0;
  for (const { title, file, run, flags: own } of parts) {
    console.log(`## ${title}\n`);
    const given = { ...own, json: join(folder, `${file}.json`) };
    const text = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
    worst = Math.max(worst, await run(text));
    console.log("");
  }
  console.error(`written to ${folder}`);
  return worst;
}
