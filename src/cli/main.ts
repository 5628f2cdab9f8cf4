#!/usr/bin/env node
import { isSupportedNode, relaunchWithPinnedNode } from "./node-version.ts";

if (isSupportedNode(process.versions.node)) {
  const [{ runCli }, { library }, { endOnStreamFault, flush }] = await Promise.all([
    import("./program.ts"),
    import("./library.ts"),
    import("./output.ts"),
  ]);
  endOnStreamFault(process.stdout, process.stderr);
  endOnStreamFault(process.stderr, process.stderr);
  const code = await runCli(process.argv.slice(2), library, process);
  await flush(process.stdout, process.stderr);
  // Worker threads may still wait for work, and would keep the process alive.
  process.exit(code);
} else {
  relaunchWithPinnedNode();
}
