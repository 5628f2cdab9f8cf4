import { afterEach, describe, expect, test } from "vitest";
import { IDLE, type ThreadDeath, WatchedThread } from "../../../../src/support/threads/watched-thread.ts";
import type { Task } from "./watched-thread-worker.ts";

const module = new URL("./watched-thread-worker.ts", import.meta.url);
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((thread) => thread.close()));
});

function watch(setup = "a") {
  const heard: (string | ThreadDeath)[] = [];
  const next = Promise.withResolvers<void>();
  let told = next.resolve;
  const tell = (what: string | ThreadDeath) => {
    heard.push(what);
    told();
  };
  const thread = new WatchedThread<string, Task, string, number>({ module, setup, stepSeconds: 0.2, onDeath: tell });
  open.push(thread);
  const start = (task: Task) =>
    thread.start(task, { onPart: (part) => heard.push(`part ${part}`), onResult: (result) => tell(result) });
  const until = async (count: number) => {
    while (heard.length < count) {
      const wait = Promise.withResolvers<void>();
      told = wait.resolve;
      await wait.promise;
    }
    return heard;
  };
  return { thread, start, until };
}

describe("a watched thread", () => {
  test("answers in the order of the tasks, the parts of one before its result", async () => {
    const { thread, start, until } = watch();
    expect([start("echo"), start("parts"), start("echo")]).toEqual([1, 2, 3]);
    expect(thread.load).toBe(3);
    expect(await until(6)).toEqual(["a: echo", "part 1", "part 2", "part 3", "a: parts", "a: echo"]);
    expect(thread.load).toBe(0);
  });

  test.each([
    ["throw", "a fault outside decoding"],
    ["exit", "exit code 3"],
    ["hang", "no end of decoding after 0.2 s"],
  ] as const)(
    "tells where and why it ended (%s), drops its tasks, and is replaced with the next",
    async (task, reason) => {
      const { thread, start, until } = watch();
      start("echo");
      start(task);
      start("echo");
      expect(await until(2)).toEqual(["a: echo", { step: 7, task: 2, reason }]);
      expect(thread.load).toBe(0);
      expect(start("echo")).toBe(4);
      expect((await until(3))[2]).toBe("a: echo");
    },
  );

  test("that ends before its first step says so, each time anew", async () => {
    const { start, until } = watch("broken");
    start("echo");
    expect(await until(1)).toEqual([{ step: IDLE, task: 1, reason: "broken setup" }]);
    start("echo");
    expect((await until(2))[1]).toEqual({ step: IDLE, task: 2, reason: "broken setup" });
  });

  test("may take as long as it likes between steps", async () => {
    const { start, until } = watch();
    start("hang idle");
    expect(await until(1)).toEqual(["a: hang idle"]);
  });

  test("that is closed ends without a word, in the middle of a task too", async () => {
    const { thread, start, until } = watch();
    start("echo");
    await until(1);
    start("hang");
    await thread.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await until(1)).toEqual(["a: echo"]);
  });
});
