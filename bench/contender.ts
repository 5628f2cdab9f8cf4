import type { Precision } from "../src/method/models/precision.ts";
import { messageOf } from "../src/support/errors.ts";
import { type Contestant, type Job, peerModes, type Skipped, startOurs, startPeer } from "./contestant.ts";
import type { Contender } from "./rows.ts";

/** A job, and who does it. */
export interface ContenderJob extends Omit<Job, "precision" | "saving" | "arena"> {
  contender: Contender;
}

/** In what ours computes; the peer's modes are compared with ours in fp32. */
export const precisionOf = (contender: Contender): Precision =>
  contender === "int8" || contender === "int8-all" ? contender : "fp32";

/** Starts ours in fp32 or int8, or the peer. @throws Error where the peer cannot run, with its own last words. */
export async function startContender(
  { contender, ...job }: ContenderJob,
  python: string | undefined,
): Promise<Contestant> {
  const mode = peerModes.find((name) => name === contender);
  if (mode === undefined) return startOurs({ ...job, precision: precisionOf(contender) });
  if (python === undefined) throw new Error("neither --python nor MSMAE_PYTHON names a Python with PyTorch");
  return startPeer(python, job, mode);
}

/** A contender, or why it cannot run. @throws Error where ours cannot. */
export async function startedOrReason(job: ContenderJob, python: string | undefined): Promise<Contestant | Skipped> {
  try {
    return await startContender(job, python);
  } catch (error) {
    // Ours must run.
    if (!peerModes.some((mode) => mode === job.contender)) throw error;
    return { skipped: messageOf(error) };
  }
}
