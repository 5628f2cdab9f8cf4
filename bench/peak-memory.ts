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

/** What a benchmark would need and does not find, in bytes, as the end of a sentence. */
export const tooMuch = (needed: number, free: number): string =>
  `about ${gigabytes(needed)}, of which ${gigabytes(free)} are free; a smaller --batch needs less`;

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
