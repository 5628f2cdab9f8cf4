import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Names a process so that another one can tell later whether it still runs. */
export interface ProcessMark {
  /** Where process numbers mean the same: a boot of a machine and, on Linux, a container's own numbering. */
  place: string;
  pid: number;
  /** Tells a process from a later one of the same number. */
  started: string;
}

/** `unknown`: a process of another machine or container, or of a system that does not tell when a process began. */
export type ProcessState = "running" | "gone" | "unknown";

export function ownMark(): ProcessMark {
  return { place: ownPlace(), pid: process.pid, started: ownStart() };
}

export function stateOf(mark: ProcessMark): ProcessState {
  if (mark.place !== ownPlace()) return "unknown";
  if (mark.pid === process.pid) return mark.started === ownStart() ? "running" : "gone";
  const found = linuxProcess(mark.pid);
  if (found !== undefined) return found.started === mark.started && !found.dead ? "running" : "gone";
  return exists(mark.pid) ? "unknown" : "gone";
}

let place: string | undefined;

function ownPlace(): string {
  if (place === undefined) {
    const boot = quietly(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
    const numbering = quietly(() => readlinkSync("/proc/self/ns/pid"));
    // Containers of one machine share the boot and differ in their numbering; without both, the name must do.
    const known = boot !== undefined && numbering !== undefined ? [boot, numbering] : ["host", hostname()];
    place = createHash("sha256").update(known.join("\0")).digest("hex").slice(0, 16);
  }
  return place;
}

function ownStart(): string {
  return linuxProcess(process.pid)?.started ?? String(Math.round(performance.timeOrigin));
}

/** What Linux says of a process; undefined where there is none, or no Linux. */
function linuxProcess(pid: number): { started: string; dead: boolean } | undefined {
  const line = quietly(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  if (line === undefined) return undefined;
  // The name in parentheses may itself hold spaces and parentheses.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [state = "", started = ""] = [fields[0], fields[19]];
  // A killed process keeps its number until its parent asks for its end.
  return { started, dead: state === "Z" || state === "X" };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
