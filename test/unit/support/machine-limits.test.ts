import { expect, test } from "vitest";
import { exitCodeOf, formatFailure } from "../../../src/apps/cli/failures.ts";
import { unreadable } from "../../../src/formats/decode-error.ts";
import { endOfThread } from "../../../src/support/threads/watched-thread.ts";

test.each([
  ["EMFILE: too many open files, open '/data/a.png'", "ulimit -n"],
  ["ENFILE: file table overflow, open '/data/a.png'", "ulimit -n"],
  ["Worker initialization failure: EMFILE", "ulimit -n"],
  ["Worker initialization failure: EAGAIN", "ulimit -u"],
  ["EAGAIN", "ulimit -u"],
  ["glib: Error creating thread: Resource temporarily unavailable", "ulimit -u"],
])("%s is the machine's fault, not the file's", (message, todo) => {
  for (const error of [unreadable("a.png", new Error(message)), endOfThread("a.png", message)]) {
    expect(error).toMatchObject({ code: "Device", parts: { where: "a.png", got: message } });
    expect(error.parts.todo).toContain(todo);
  }
});

test.each(["Input buffer has corrupt header", "/EMFILE/x.png: EMFILE", "exit code 1"])(
  "%s is the file's",
  (message) => {
    expect(unreadable("a.png", new Error(message)).code).toBe("Data");
    expect(endOfThread("a.png", message).code).toBe("Data");
  },
);

test.each(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"])("%s that no room has named is no internal fault", (code) => {
  const error = Object.assign(new Error(`${code}: low-level`), { code, path: "run/x" });
  expect(exitCodeOf(error)).toBe(5);
  expect(formatFailure(error, false)).toMatch(new RegExp(`^error\\[Device\\]: run/x: .*${code}.*limit`));
});
