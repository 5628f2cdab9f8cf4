import { expect, test } from "vitest";
import { withResources } from "../../../src/support/resources.ts";

const told: string[] = [];
const resource = (name: string, fault?: string) => ({
  async [Symbol.asyncDispose]() {
    told.push(name);
    if (fault !== undefined) throw new Error(fault);
  },
});

test("what was opened is closed in the opposite order when the next fails to open, and that failure is the one thrown", async () => {
  told.length = 0;
  const work = withResources(async (keep) => {
    keep(resource("log"));
    keep(resource("threads", "threads fail to close"));
    throw new Error("no engine");
  });
  await expect(work).rejects.toThrow(/^no engine$/);
  expect(told).toEqual(["threads", "log"]);
});

test("a failure to close is thrown where the work went well, after everything else is closed", async () => {
  told.length = 0;
  const work = withResources(async (keep) => {
    keep(resource("log"));
    keep(resource("threads", "threads fail to close"));
    return 3;
  });
  await expect(work).rejects.toThrow("threads fail to close");
  expect(told).toEqual(["threads", "log"]);
  expect(await withResources(async (keep) => keep(resource("log")))).toBeDefined();
});
