import { describe, expect, test } from "vitest";
import { launchOf, refuseUnshared } from "../../../src/parallel/launch.ts";

describe("the environment that a launcher makes", () => {
  test.each([
    ["Open MPI's", { OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "4" }, "mpirun of Open MPI", "Open MPI"],
    ["MPICH's", { PMI_RANK: "1", PMI_SIZE: "4" }, "mpirun of MPICH", "MPICH"],
    ["Slurm's", { SLURM_PROCID: "1", SLURM_STEP_NUM_TASKS: "4" }, "srun", undefined],
    [
      "Open MPI's within a step of Slurm",
      { SLURM_PROCID: "0", SLURM_STEP_NUM_TASKS: "2", OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "4" },
      "mpirun of Open MPI",
      "Open MPI",
    ],
  ])("%s tells rank, size and family", (_, environment, launcher, family) => {
    expect(launchOf(environment)).toEqual({ launcher, family, rank: 1, size: 4 });
  });

  test.each([
    ["none", {}],
    ["one process of mpirun", { OMPI_COMM_WORLD_RANK: "0", OMPI_COMM_WORLD_SIZE: "1" }],
    ["the script of a batch job", { SLURM_PROCID: "0", SLURM_NTASKS: "4" }],
    ["no numbers", { PMI_RANK: "a", PMI_SIZE: "b" }],
  ])("%s is a process alone", (_, environment) => {
    expect(launchOf(environment)).toBeUndefined();
  });
});

describe("verbs under a launcher", () => {
  const launch = { launcher: "srun", family: undefined, rank: 1, size: 3 };

  test("that train are taken", () => {
    for (const verb of ["pretrain", "finetune", "segment"]) expect(() => refuseUnshared(verb, launch)).not.toThrow();
  });

  test("that do not are refused", () => {
    expect(() => refuseUnshared("eval", launch)).toThrow(/^eval: expected one process; .* got 3 processes; .* srun$/);
  });

  test("are all taken by a process alone", () => {
    expect(() => refuseUnshared("eval", undefined)).not.toThrow();
  });
});
