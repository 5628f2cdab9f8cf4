import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { onnxRuntimeVersion } from "../../engine/runtime/node-binding.ts";
import type { ReportFact } from "../../results/report/index.ts";
import { writeFileAtomic } from "../../support/files/atomic-file.ts";

/** What only the run itself knows about where it runs. */
export interface EnvironmentInput {
  seed: number;
  /** Execution device as the user names it: cpu, webgpu, cuda. */
  device: string;
  /** Threads given to the engine. */
  threads: number;
  /** Fingerprint of the training data; absent where there is none. */
  dataHash?: string;
}

/** Everything needed to judge or repeat a run besides its configuration: the content of `env.json`. */
export interface Environment extends EnvironmentInput {
  msmae: string;
  node: string;
  /** Version of ONNX Runtime. */
  onnxruntime: string;
  sharp: string | null;
  platform: string;
  cpuModel: string;
  /** Logical cores that this process may use. */
  cores: number;
  memoryBytes: number;
  /** Commit of the checkout that runs, with "-dirty" where tracked files differ; null outside a checkout. */
  gitCommit: string | null;
  /** ISO 8601. */
  writtenAt: string;
}

/** Collects the environment of this process. No host, user or path names are taken: the file is meant to be shared. */
export async function readEnvironment(input: EnvironmentInput): Promise<Environment> {
  const root = packageRoot();
  return {
    msmae: versionIn(root) ?? "unknown",
    node: process.versions.node,
    onnxruntime: onnxRuntimeVersion,
    sharp: installedVersion("sharp"),
    platform: `${platform()} ${arch()} ${release()}`,
    cpuModel: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    gitCommit: await gitCommit(root),
    ...input,
    writtenAt: new Date().toISOString(),
  };
}

/**
 * Writes `env.json` into a run directory and returns what it wrote.
 *
 * @throws MsmaeError "Data" when the folder cannot be written.
 */
export async function writeEnvironment(runDirectory: string, input: EnvironmentInput): Promise<Environment> {
  const environment = await readEnvironment(input);
  await writeFileAtomic(join(runDirectory, "env.json"), `${JSON.stringify(environment, null, 2)}\n`);
  return environment;
}

/** The folder of this package's package.json, from the sources as well as from the build. */
function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function installedVersion(name: string): string | null {
  // Many packages hide their package.json behind "exports"; the folders that would be searched are known nonetheless.
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const version = versionIn(join(folder, name));
    if (version !== undefined) return version;
  }
  return null;
}

function versionIn(folder: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const version = (manifest as { version?: unknown }).version;
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}

async function gitCommit(root: string): Promise<string | null> {
  // Only a checkout of this package counts: an installed copy may lie inside somebody else's repository.
  if (!existsSync(join(root, ".git"))) return null;
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)("git", args, { cwd: root, timeout: 5000 });
    return stdout.trim();
  };
  try {
    const commit = await git("rev-parse", "HEAD");
    // Otherwise looking would write to the checkout's index.
    const changed = await git("--no-optional-locks", "status", "--porcelain", "--untracked-files=no");
    return changed === "" ? commit : `${commit}-dirty`;
  } catch {
    return null;
  }
}

/** What of it a report tells. */
export function environmentFacts({
  msmae,
  node,
  onnxruntime,
  cpuModel,
  cores,
  threads,
  device,
  platform,
}: Environment): ReportFact[] {
  return [
    { label: "msmae", value: msmae },
    { label: "Node", value: node },
    {
      label: "ONNX Runtime",
      value: `${onnxruntime}, ${device}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    },
    { label: "Machine", value: `${cpuModel}, ${cores} cores, ${platform}` },
  ];
}
