import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

test("threads start from code that was given on the command line", () => {
  const module = new URL("../../../../src/support/threads/start-thread.ts", import.meta.url).href;
  const thread = `data:text/javascript,${encodeURIComponent('console.log("started")')}`;
  const code = `import { startThread } from "${module}"; startThread(new URL('${thread}'), undefined);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
  expect([stdout, stderr.includes("Error")]).toEqual(["started\n", false]);
});
