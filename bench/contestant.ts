import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Shape } from "../src/engine/graph/types.ts";
import type { Precision } from "../src/method/models/precision.ts";
import type { Phase } from "./phases.ts";

export const precisions = ["fp32", "int8", "int8-all"] as const satisfies readonly Precision[];

export type Device = "cpu" | "webgpu" | "cuda";

/** What a benchmark process is to run. */
export interface Job {
  phase: Phase;
  model: string;
  batch: number;
  threads: number;
  /** How training computes: in fp32 unless told otherwise. */
  precision?: Precision;
  /** What runs the graphs; the peer has CPUs and CUDA. A CPU unless told otherwise. */
  device?: Device;
  /** Whether training computes blocks anew instead of keeping them. */
  recompute?: boolean;
  /** Runs one side of a saving instead of the phase itself. */
  saving?: { name: string; variant: "with" | "without" };
  /** Runs in the process's main thread with ONNX Runtime's arena on or off. */
  arena?: boolean;
}

/** One step, in seconds: graph and optimiser together, of that the optimiser; making the feeds, before it. */
export interface Step {
  stepSeconds: number;
  /** Of all threads: other load disturbs it less. */
  processorSeconds: number;
  optimizerSeconds: number;
  feedSeconds?: number;
  outputs?: Record<string, Float32Array>;
  gradientNorm?: number | undefined;
}

export interface JobInfo {
  nodes: number;
  inputs: Record<string, Shape>;
  loadSeconds: number;
}

export type ChildRequest = { kind: "start"; job: Job } | { kind: "step" } | { kind: "finish" };
export type ChildReply =
  | { kind: "started"; info: JobInfo }
  | { kind: "stepped"; step: Step }
  | { kind: "finished"; peakRssBytes: number }
  | { kind: "failed"; message: string };

/** Why there are no times. */
export interface Skipped {
  skipped: string;
}

/** A process that runs steps one at a time when asked, and tells its peak memory at the end. */
export interface Contestant {
  step(): Promise<Step>;
  finish(): Promise<{ peakRssBytes: number }>;
}

/** Our own engine, in a fresh process. `environment` is added to this process's. */
export async function startOurs(
  job: Job,
  environment: Record<string, string> = {},
): Promise<Contestant & { info: JobInfo }> {
  const child = fork(new URL("./child.ts", import.meta.url), {
    serialization: "advanced",
    env: { ...process.env, ...environment },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = endOf(child, "benchmark process");
  const ask = async <K extends ChildReply["kind"]>(
    request: ChildRequest,
    kind: K,
  ): Promise<Extract<ChildReply, { kind: K }>> => {
    const replied = once(child, "message") as Promise<[ChildReply]>;
    child.send(request);
    const [reply] = await Promise.race([replied, ended]);
    if (reply.kind !== kind)
      throw new Error(reply.kind === "failed" ? reply.message : `unexpected reply ${reply.kind}`);
    return reply as Extract<ChildReply, { kind: K }>;
  };
  const { info } = await ask({ kind: "start", job }, "started");
  return {
    info,
    step: async () => (await ask({ kind: "step" }, "stepped")).step,
    async finish() {
      const { peakRssBytes } = await ask({ kind: "finish" }, "finished");
      await end(child);
      return { peakRssBytes };
    },
  };
}

/** How the peer runs: as it comes, with all that helps it in fp32, or that with products in bfloat16. */
export const peerModes = ["eager", "best", "bf16"] as const;
export type PeerMode = (typeof peerModes)[number];

/** The PyTorch peer of the same job, after one step in which it compiles. @throws Error with the peer's own last words when it cannot run. */
export async function startPeer(
  python: string,
  job: Job,
  mode: PeerMode,
): Promise<Contestant & { info: Record<string, unknown> }> {
  const { phase, model, batch, threads, recompute = false, device = "cpu" } = job;
  const script = new URL("./peers/pytorch/step.py", import.meta.url).pathname;
  const settings = Object.entries({ phase, model, batch, threads, mode, device, warmup: 1 }).flatMap(
    ([name, value]) => [`--${name}`, String(value)],
  );
  const child = spawn(python, [script, ...settings, ...(recompute ? ["--recompute"] : []), "--serve"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  const ended = endOf(child, `PyTorch (${mode})`, () => complaint.trim().split("\n").at(-1) ?? "");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => {
    const line = await Promise.race([lines.next(), ended]);
    if (line.done) return await ended;
    return JSON.parse(line.value) as Record<string, unknown>;
  };
  const info = await next();
  return {
    info,
    async step() {
      child.stdin.write("step\n");
      return (await next()) as unknown as Step;
    },
    async finish() {
      child.stdin.end();
      const { peakRssBytes } = (await next()) as unknown as { peakRssBytes: number };
      await end(child);
      return { peakRssBytes };
    },
  };
}

/** Ends a process that has said its last word: taking itself down would slow what is timed next. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** Rejects when the process ends by itself or cannot start. */
function endOf(child: ChildProcess, what: string, complaint = () => ""): Promise<never> {
  const ended = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      const words = complaint();
      reject(new Error(`${what} ended with ${signal ?? `exit code ${code}`}${words ? `: ${words}` : ""}`));
    });
  });
  // It also ends when it is done, and then nobody waits for this any more.
  ended.catch(() => undefined);
  return ended;
}

/** The middle of the values; the mean of the two in the middle where they are even in number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] as number) + (sorted[Math.floor(half)] as number)) / 2;
}
