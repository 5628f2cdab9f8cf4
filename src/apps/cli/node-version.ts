import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";

/** The oldest Node that runs this package; the same as `engines` in package.json. */
const oldest = [22, 13] as const;

export function isSupportedNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

/**
 * Runs the same command line under the Node that a checkout brings as a development dependency, for machines whose
 * own Node is older. Ends the process with the exit code of that run, or with 2 where there is no such Node.
 */
export function relaunchWithPinnedNode(): void {
  const node = pinnedNode();
  if (node === undefined) {
    process.stderr.write(
      `error[Config]: node: expected version ${oldest.join(".")} or newer, got ${process.versions.node}; install a newer Node\n`,
    );
    process.exit(2);
  }
  const child = spawn(node, process.argv.slice(1), { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // A terminal sends its signals to both processes; the other takes the second one for the same wish.
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", ({ message }) => {
    process.stderr.write(`error[Config]: ${node}: expected to start, got ${message}; install a newer Node\n`);
    process.exit(2);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));
}

function pinnedNode(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    const binary = join(dirname(manifest), "bin", "node");
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}
