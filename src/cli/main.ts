#!/usr/bin/env node
import { isSupportedNode, relaunchWithPinnedNode } from "./node-version.ts";

if (isSupportedNode(process.versions.node)) {
  const [{ runCli }, { library }, { endQuietlyOnBrokenPipe }] = await Promise.all([
    import("./program.ts"),
    import("./library.ts"),
    import("./output.ts"),
  ]);
  endQuietlyOnBrokenPipe(process.stdout);
  endQuietlyOnBrokenPipe(process.stderr);
  const code = await runCli(process.argv.slice(2), library, process);
  // Worker threads may still wait for work; everything written has reached its stream by now.
  process.exit(code);
} else {
  relaunchWithPinnedNode();
}
