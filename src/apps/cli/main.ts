#!/usr/bin/env node
import { isSupportedNode, relaunchWithPinnedNode } from "./node-version.ts";

if (isSupportedNode(process.versions.node)) {
  const [{ runCli }, { commands }, { exitCodeOf, formatFailure }, { streamsOf }] = await Promise.all([
    import("./program.ts"),
    import("./verbs/index.ts"),
    import("./failures.ts"),
    import("./rank-streams.ts"),
  ]);
  // Whoever writes hears of a fault of a stream. Messages that nobody can read any more cost no run.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  process.on("uncaughtException", (error) => {
    process.stderr.write(formatFailure(error, process.argv.includes("--debug")));
    process.exit(exitCodeOf(error));
  });
  const code = await runCli(process.argv.slice(2), Object.values(commands), streamsOf(process));
  // Worker threads may still wait for work, and would keep the process alive.
  process.exit(code);
} else {
  relaunchWithPinnedNode();
}
