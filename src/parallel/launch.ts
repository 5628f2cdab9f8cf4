import { MsmaeError } from "../support/errors.ts";

/** What a launcher such as mpirun tells of itself in the environment of each process that it starts. */
export interface Launch {
  /** In messages: "mpirun of Open MPI". */
  launcher: string;
  /** Which implementation the launcher belongs to; undefined where it starts processes of either. */
  family: MpiFamily | undefined;
  rank: number;
  size: number;
}

/** MPI implementations whose libraries are called in one way; Intel MPI and MVAPICH are of MPICH's family. */
export type MpiFamily = "Open MPI" | "MPICH";

interface Launcher extends Pick<Launch, "launcher" | "family"> {
  variables: { rank: string; size: string };
}

const launchers: readonly Launcher[] = [
  {
    launcher: "mpirun of Open MPI",
    family: "Open MPI",
    variables: { rank: "OMPI_COMM_WORLD_RANK", size: "OMPI_COMM_WORLD_SIZE" },
  },
  { launcher: "mpirun of MPICH", family: "MPICH", variables: { rank: "PMI_RANK", size: "PMI_SIZE" } },
  // The script of a batch job has a SLURM_PROCID too, but no step of several tasks.
  { launcher: "srun", family: undefined, variables: { rank: "SLURM_PROCID", size: "SLURM_STEP_NUM_TASKS" } },
];

/** The verbs that several processes can work on together. */
const SHARED_VERBS: readonly string[] = ["pretrain", "finetune", "segment"];

/** Which of how many processes this one is; undefined for one that was started alone. */
export function launchOf(environment: Readonly<Record<string, string | undefined>> = process.env): Launch | undefined {
  for (const { launcher, family, variables } of launchers) {
    const [rank, size] = [Number(environment[variables.rank]), Number(environment[variables.size])];
    if (Number.isInteger(rank) && Number.isInteger(size) && size > 1) return { launcher, family, rank, size };
  }
  return undefined;
}

/** @throws MsmaeError Config for a verb of which each of several processes would do all the work. */
export function refuseUnshared(verb: string, launch: Launch | undefined = launchOf()): void {
  if (launch === undefined || SHARED_VERBS.includes(verb)) return;
  throw new MsmaeError("Config", {
    where: verb,
    expected: `one process; ${launch.launcher} shares out ${SHARED_VERBS.join(", ")}`,
    got: `${launch.size} processes`,
    todo: `start it without ${launch.launcher}`,
  });
}
