import { type Contestant, type Job, startOurs, startPeer } from "./contestant.ts";
import type { Contender } from "./rows.ts";

/** A job, and who does it. */
export interface ContenderJob extends Omit<Job, "precision" | "saving" | "arena"> {
  contender: Contender;
}

/** Starts ours in fp32 or int8, or the peer. @throws Error where the peer cannot run, with its own last words. */
export async function startContender(
  { contender, ...job }: ContenderJob,
  python: string | undefined,
): Promise<Contestant> {
  if (contender === "ours") return startOurs(job);
  if (contender === "int8") return startOurs({ ...job, precision: "int8" });
  if (python === undefined) throw new Error("neither --python nor MSMAE_PYTHON names a Python with PyTorch");
  return startPeer(python, job, contender);
}
