import { readFileSync } from "node:fs";

/** The largest resident set of this process so far, in bytes. */
export function peakRssBytes(): number {
  if (process.platform === "linux") {
    // The resource usage of Linux outlives execve and would count what stood in the process before.
    const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"));
    if (line) return Number(line[1]) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}
