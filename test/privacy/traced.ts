import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import { text } from "node:stream/consumers";

/** What one process, with its threads and children, did that others could notice. */
export interface Traced {
  code: number | null;
  stdout: string;
  stderr: string;
  /** System calls that name an internet address or socket, each as strace prints it. */
  internet: string[];
  /** Everything written, made, renamed or removed, or tried to be. Devices are left out. */
  touched: string[];
}

/** A home, a temporary folder and a folder for results, all new and empty. */
export class Place {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "msmae-privacy-")));
  readonly home = this.#folder("home");
  readonly tmp = this.#folder("tmp");
  readonly out = this.#folder("out");
  readonly cache = join(this.home, ".cache", "msmae");

  #folder(name: string): string {
    const path = join(this.root, name);
    mkdirSync(path);
    return path;
  }

  /**
   * The whole environment of what is traced: nothing of what CI sets, under which ONNX Runtime keeps quiet by itself,
   * and no switch from outside.
   */
  get environment(): NodeJS.ProcessEnv {
    // What is written through io_uring would not be seen.
    return { PATH: process.env.PATH, HOME: this.home, TMPDIR: this.tmp, UV_USE_IO_URING: "0", NO_COLOR: "1" };
  }

  /** What of the touched lies neither in the results, nor in the program's cache, nor in the temporary folder. */
  strays({ touched }: Traced): string[] {
    const allowed = [this.out, this.cache, this.tmp];
    const inside = (path: string) => allowed.some((folder) => path === folder || path.startsWith(folder + sep));
    // The folder above the cache is made where it is missing.
    return touched.filter((path) => path !== dirname(this.cache) && !inside(path));
  }

  /** Everything in the temporary folder, and in the home what is not the program's cache. */
  leftovers(): string[] {
    const files = (folder: string) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ parentPath, name }) => join(parentPath, name));
    return [...files(this.tmp), ...files(this.home).filter((path) => !path.startsWith(this.cache + sep))];
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

const calls = [
  "%network",
  ...["openat", "openat2", "mkdirat", "mknodat", "renameat2", "linkat", "symlinkat", "unlinkat"],
  // Not every processor has these.
  ...["?open", "?creat", "?mkdir", "?mknod", "?rename", "?renameat", "?link", "?symlink", "?unlink", "?rmdir"],
  "?truncate",
];
const strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-e", `trace=${calls.join()}`];

/** Why programs cannot be traced here, as the end of a test's name; empty where they can. */
export const noTrace = missing([...strace, "-o", "/dev/null", "true"]);

/** Runs what follows it where there is no network interface at all. */
export const isolated = ["unshare", "--map-root-user", "--net"];

/** Why there can be no such place here, likewise. */
export const noIsolation = missing([...isolated, "true"]);

function missing([program = "", ...argv]: readonly string[]): string {
  const { status, error, stderr } = spawnSync(program, argv, { encoding: "utf8" });
  if (status === 0) return "";
  return ` SKIPPED: ${program} does not work here (${error?.message ?? stderr.trim().split("\n").at(-1)})`;
}

/**
 * Runs a program to its end under strace; without it where there is none, so that nothing is seen of what it does.
 *
 * @param inside a command that runs the one after it, such as {@link isolated}.
 */
export async function trace(place: Place, argv: readonly string[], inside: readonly string[] = []): Promise<Traced> {
  const log = join(place.root, `strace-${randomUUID()}.log`);
  const [program = "", ...rest] = [...inside, ...(noTrace ? [] : [...strace, "-o", log]), ...argv];
  const child = spawn(program, rest, { env: place.environment, cwd: place.out, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr, ...(noTrace ? { internet: [], touched: [] } : readTrace(log, place.out)) };
}

// A call of one thread that another's interrupts stands on two lines; the first has what was asked for.
function readTrace(log: string, cwd: string): Pick<Traced, "internet" | "touched"> {
  const lines = readFileSync(log, "utf8")
    .split("\n")
    .map((line) => line.replace(/^\d+ +/, ""));
  const touched = new Set(lines.flatMap((line) => pathsTouched(line, cwd)));
  return {
    internet: lines.filter((line) => /\bAF_INET6?\b/.test(line)),
    touched: [...touched].filter((path) => !path.startsWith("/dev/")),
  };
}

function pathsTouched(call: string, cwd: string): string[] {
  const [name = ""] = /^\w+/.exec(call) ?? [];
  if (name.startsWith("open") && !/\b(O_WRONLY|O_RDWR|O_CREAT|O_TRUNC)\b/.test(call)) return [];
  if (!/^(open|creat|mkdir|mknod|rename|link|symlink|unlink|rmdir|truncate)/.test(name)) return [];
  // Each path, after the folder it is relative to where the call names one: openat(24</tmp/a>, "b", …
  const paths = call.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g);
  return Array.from(paths, ([, folder, path = ""]) => resolve(folder ?? cwd, path));
}
