import { type ChildProcess, spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Ended, started } from "./runs.ts";

/** A way to start several processes, as it is installed here. */
export interface Launcher {
  name: string;
  /** Program and arguments before `-np`. */
  command: readonly [string, ...string[]];
}

/** Launchers of both families of MPI; more processes than cores, by root, and wherever the system likes to run them. */
const known: readonly (Launcher & { tells: RegExp })[] = [
  {
    name: "Open MPI",
    command: ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"],
    tells: /OpenRTE|Open MPI/,
  },
  { name: "MPICH", command: ["mpirun.mpich"], tells: /HYDRA/ },
];

export const launchers: readonly Launcher[] = known.filter(({ command: [program], tells }) =>
  tells.test(spawnSync(program, ["--version"], { encoding: "utf8" }).stdout ?? ""),
);

/** Why nothing can be tested here, for the names of tests; empty where it can. */
export const skipped = launchers.length > 0 ? "" : " SKIPPED: neither mpirun.openmpi nor mpirun.mpich is installed";

/** The launcher that tests take which need one; those tests are skipped where there is none. */
export const launcher: Launcher = launchers[0] ?? { name: "none", command: ["mpirun"] };

const entry = join(import.meta.dirname, "../../src/apps/cli/main.ts");

function commandLine({ command }: Launcher, ranks: number, program: readonly string[]): [string, string[]] {
  const [launch, ...flags] = command;
  return [launch, [...flags, "-np", String(ranks), process.execPath, ...program]];
}

/** Runs a program of ours in several processes to its end. */
export function runRanks(by: Launcher, ranks: number, program: readonly string[], env: NodeJS.ProcessEnv = {}): Ended {
  const [command, argv] = commandLine(by, ranks, program);
  const options = { encoding: "utf8", env: { ...process.env, ...env } } as const;
  const { status, signal, stdout, stderr } = spawnSync(command, argv, options);
  return { code: status, signal, stdout, stderr };
}

/** Runs the command line in several processes to its end. */
export function msmaeRanks(
  ranks: number,
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
  by: Launcher = launcher,
): Ended {
  return runRanks(by, ranks, [entry, ...argv], env);
}

/** Starts the command line in several processes, for a test that ends one of them. */
export function startRanks(
  ranks: number,
  argv: readonly string[],
  by: Launcher = launcher,
): { child: ChildProcess; ended: Promise<Ended> } {
  const [command, all] = commandLine(by, ranks, [entry, ...argv]);
  return started(command, all);
}
