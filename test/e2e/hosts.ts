// Two hosts in one machine: network namespaces with a cable between them, whose bandwidth, losses and end tests decide.
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Launcher, launchers } from "./mpi.ts";

const [first, second] = ["10.77.7.1", "10.77.7.2"];

/** Why there can be no hosts here; empty where there can be. */
export const noHosts = ((): string => {
  const launcher = launchers.find(({ name }) => name === "Open MPI");
  if (!launcher) return " SKIPPED: mpirun.openmpi is not installed";
  const [program] = launcher.command;
  // Version 5 names its options otherwise.
  if (!/ 4\./.test(spawnSync(program, ["--version"], { encoding: "utf8" }).stdout)) return " SKIPPED: not Open MPI 4";
  for (const tool of ["ip", "tc", "unshare"]) {
    if (spawnSync(tool, ["--version"]).error) return ` SKIPPED: ${tool} is not installed`;
  }
  const name = `msmae-try-${process.pid}`;
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) return " SKIPPED: network namespaces need root";
  execFileSync("ip", ["netns", "del", name]);
  return "";
})();

/** Hosts that are there until {@link Hosts.remove}. */
export class Hosts {
  readonly #names = ["a", "b"].map((letter) => `msmae-${process.pid}-${letter}`) as [string, string];
  readonly #ends = ["a", "b"].map((letter) => `mm${process.pid}${letter}`) as [string, string];
  readonly #agent: string;

  /** @param folder for the program that starts others on the second host */
  constructor(folder: string) {
    const [names, ends] = [this.#names, this.#ends];
    for (const name of names) {
      ip("netns", "add", name);
      ip("-n", name, "link", "set", "lo", "up");
    }
    ip("link", "add", ends[0], "netns", names[0], "type", "veth", "peer", "name", ends[1], "netns", names[1]);
    for (const [i, address] of [first, second].entries()) {
      ip("-n", names[i] as string, "addr", "add", `${address}/30`, "dev", ends[i] as string);
      ip("-n", names[i] as string, "link", "set", ends[i] as string, "up");
    }
    this.#agent = join(folder, "agent.sh");
    const command = `exec ip netns exec ${names[1]} unshare --uts sh -c "hostname b; $*"`;
    writeFileSync(this.#agent, `#!/bin/sh\nshift\n${command}\n`, { mode: 0o755 });
  }

  /** Starts one process on each host, which reach each other by the cable alone; `flags` are the launcher's. */
  launcher(flags: readonly string[] = []): Launcher {
    const mca = {
      plm_rsh_agent: this.#agent,
      btl: "tcp,self",
      btl_tcp_if_include: `${first}/30`,
      oob_tcp_if_include: `${first}/30`,
    };
    const launch = ["mpirun.openmpi", "--allow-run-as-root", "--host", `${first}:1,${second}:1`, ...flags];
    const options = Object.entries(mca).flatMap(([name, value]) => ["--mca", name, value]);
    const named = ["sh", "-c", 'hostname a; exec "$@"', "sh"];
    return {
      name: "Open MPI on two hosts",
      command: ["ip", "netns", "exec", this.#names[0], "unshare", "--uts", ...named, ...launch, ...options],
    };
  }

  /** Lets so much through the cable each way, and loses what comes in bursts faster than that. */
  narrow(rate: string): void {
    for (const [i, end] of this.#ends.entries()) {
      const filter = ["root", "tbf", "rate", rate, "burst", "16kb", "limit", "24kb"];
      execFileSync("tc", ["-n", this.#names[i] as string, "qdisc", "replace", "dev", end, ...filter]);
    }
  }

  /** Packets that the cable has lost. */
  get lost(): number {
    const said = this.#ends.map((end, i) =>
      execFileSync("tc", ["-n", this.#names[i] as string, "-s", "qdisc", "show", "dev", end], { encoding: "utf8" }),
    );
    return said.reduce((sum, text) => sum + Number(/dropped (\d+)/.exec(text)?.[1]), 0);
  }

  cut(): void {
    ip("-n", this.#names[0], "link", "set", this.#ends[0], "down");
  }

  remove(): void {
    for (const name of this.#names) ip("netns", "del", name);
  }
}

function ip(...argv: readonly string[]): void {
  execFileSync("ip", argv);
}
