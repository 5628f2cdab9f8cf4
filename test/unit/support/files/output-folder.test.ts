import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ClaimOptions, namedFiles, OutputFolder } from "../../../../src/support/files/output-folder.ts";

const kind = { name: "a result", earlier: namedFiles(/^[abc]\.txt$/) };
const script = join(import.meta.dirname, "claimant.ts");
let root = "";
let folder = "";
let children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "msmae-output-"));
  folder = join(root, "runs", "one");
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  rmSync(root, { recursive: true });
});

const claim = (options: Partial<ClaimOptions> = {}) => OutputFolder.claim(folder, { verb: "test", kind, ...options });
const lockNames = () => readdirSync(join(folder, ".lock"));

/** The first word that a claimant in a process of its own says. */
async function claimant(what: string): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [script, folder, what], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const [chunk] = await once(child.stdout as NodeJS.ReadableStream, "data");
  return { child, said: String(chunk).trim() };
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** A folder with a result, and a file that has nothing to do with it. */
async function leaveResult(): Promise<void> {
  await using claimed = await claim();
  for (const name of ["a.txt", "b.txt"]) writeFileSync(claimed.at(name), "old");
  await claimed.publish();
  writeFileSync(join(folder, "notes.md"), "mine");
}

/** The files of the folder with their content, and nothing of ours beside them. */
function contents(): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

describe("a lock", () => {
  test("is held by one of six processes that start at once, and by none after them", async () => {
    mkdirSync(folder, { recursive: true });
    const racers = await Promise.all(Array.from({ length: 6 }, () => claimant("race")));
    expect(racers.map(({ said }) => said).sort()).toEqual(["held", ...new Array(5).fill("refused")]);
    const ended = racers.map(({ child }) => once(child, "exit"));
    for (const { child } of racers) child.stdin?.end();
    await Promise.all(ended);
    // The winner ended without letting go.
    expect(lockNames()).toHaveLength(1);
    await using _claimed = await claim();
  });

  test("of a killed process is taken over by one of four at once, and what it had begun is gone", async () => {
    const { child } = await claimant("hold");
    await expect(claim()).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(
        new RegExp(`one in use by msmae test, process ${child.pid} on .+; .*choose another`),
      ),
    });
    await killed(child);
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => claim()));
    const held = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    expect(held).toHaveLength(1);
    expect(readdirSync(folder).sort()).toEqual([".lock", ".unfinished"]);
    expect(readdirSync(join(folder, ".unfinished"))).toEqual([]);
    await held[0]?.[Symbol.asyncDispose]();
  });

  test("of a process that was killed but not yet asked for its end by its parent is stale", async () => {
    // The shell becomes a sleep, which never asks for its child's end.
    const line = `"${process.execPath}" "${script}" "${folder}" hold & echo $!; exec sleep 60`;
    const parent = spawn("/bin/sh", ["-c", line], { stdio: ["pipe", "pipe", "inherit"] });
    children.push(parent);
    let said = "";
    parent.stdout.on("data", (chunk) => {
      said += chunk;
    });
    while (!/held|refused/.test(said)) await sleep(10);
    expect(said).toContain("held");
    process.kill(Number.parseInt(said, 10), "SIGKILL");
    await sleep(100);
    await using _claimed = await claim();
  });

  test("is not taken for another's whose process number came again", async () => {
    {
      await using claimed = await claim();
      writeFileSync(claimed.at("a.txt"), "");
    }
    const mark = (started: (text: string) => string) => {
      const [place, , begun, nonce] = ownLock.split("-") as [string, string, string, string];
      return `${place}-${process.ppid}-${started(begun)}-${nonce}`;
    };
    let ownLock = "";
    {
      await using _claimed = await claim();
      ownLock = lockNames()[0] as string;
    }
    // The parent lives, but began at another time than the lock says.
    mkdirSync(join(folder, ".lock"), { recursive: true });
    writeFileSync(
      join(
        folder,
        ".lock",
        mark((text) => `${Number(text) + 1}`),
      ),
      "{}",
    );
    await using _claimed = await claim();
    expect(lockNames()).toHaveLength(1);
  });

  describe("of another machine or container", () => {
    const elsewhere = "0123456789abcdef-1-42-0000abcd";
    const plant = () => {
      mkdirSync(join(folder, ".lock"), { recursive: true });
      writeFileSync(join(folder, ".lock", elsewhere), JSON.stringify({ verb: "pretrain", pid: 1, host: "node7" }));
    };

    test("holds while it gives signs of life", async () => {
      plant();
      let now = 1_000;
      const beat = setInterval(() => utimesSync(join(folder, ".lock", elsewhere), now++, now), 20);
      const notes: string[] = [];
      const onEvent = (event: { type: string }) => {
        if ("message" in event) notes.push(String(event.message));
      };
      await expect(claim({ patienceMs: 2_000, onEvent })).rejects.toThrow(/msmae pretrain, process 1 on node7/);
      clearInterval(beat);
      expect(notes).toEqual([expect.stringMatching(/process 1 on node7.*waiting up to 2 s/)]);
      expect(lockNames()).toEqual([elsewhere]);
    });

    test("is taken over by one of two when it gives none", async () => {
      plant();
      const outcomes = await Promise.allSettled([claim({ patienceMs: 200 }), claim({ patienceMs: 200 })]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      expect(lockNames()).toHaveLength(1);
      expect(lockNames()).not.toEqual([elsewhere]);
      for (const outcome of outcomes) {
        if (outcome.status === "fulfilled") await outcome.value[Symbol.asyncDispose]();
      }
    });

    test("lets a holder that was taken for gone write no more", async () => {
      await using claimed = await claim();
      writeFileSync(claimed.at("a.txt"), "late");
      const [own = ""] = lockNames();
      renameSync(join(folder, ".lock", own), join(folder, ".lock", elsewhere));
      await expect(claimed.check()).rejects.toMatchObject({ code: "Data" });
      await expect(claimed.publish()).rejects.toThrow(/lock that this process holds/);
      expect(existsSync(join(folder, "a.txt"))).toBe(false);
    });
  });
});

describe("a claimed folder", () => {
  test("of a result is refused and stays as it is; other files are no hindrance", async () => {
    await leaveResult();
    const before = contents();
    await expect(claim()).rejects.toMatchObject({
      code: "Data",
      message: `${folder}: expected a folder without a result, got a result (a.txt, b.txt); choose another --output-dir, or replace it by --overwrite`,
    });
    expect(contents()).toEqual(before);
    for (const name of ["a.txt", "b.txt"]) rmSync(join(folder, name));
    await using claimed = await claim();
    expect(claimed.path).toBe(folder);
  });

  test("that nothing was published in vanishes as far as it was made", async () => {
    {
      await using claimed = await claim();
      writeFileSync(claimed.at("a.txt"), "");
    }
    expect(readdirSync(root)).toEqual([]);
    mkdirSync(folder, { recursive: true });
    {
      await using claimed = await claim();
      writeFileSync(claimed.at("a.txt"), "");
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test("takes its new result when it is published, and files after that directly", async () => {
    await leaveResult();
    await using claimed = await claim({ overwrite: true });
    mkdirSync(claimed.at("deep"));
    writeFileSync(claimed.at("deep/c.txt"), "new");
    writeFileSync(claimed.at("b.txt"), "new");
    expect(readFileSync(join(folder, "b.txt"), "utf8")).toBe("old");
    await claimed.publish();
    writeFileSync(claimed.at("a.txt"), "later");
    const found = ["b.txt", "deep/c.txt", "a.txt", "notes.md"].map((name) => readFileSync(join(folder, name), "utf8"));
    expect(found).toEqual(["new", "new", "later", "mine"]);
    expect(readdirSync(folder).sort()).toEqual([".lock", "a.txt", "b.txt", "deep", "notes.md"]);
  });

  test("whose change of place fails half way loses nothing: the next claim finishes it", async () => {
    await leaveResult();
    {
      await using claimed = await claim({ overwrite: true });
      for (const name of ["a.txt", "b.txt", "c.txt"]) writeFileSync(claimed.at(name), "new");
      // A folder that nothing can be moved onto; files of a disk that fails behave so too.
      mkdirSync(join(folder, "c.txt", "in the way"), { recursive: true });
      await expect(claimed.publish()).rejects.toMatchObject({ code: "Data" });
    }
    rmSync(join(folder, "c.txt"), { recursive: true });
    {
      await using _claimed = await claim({ continues: true });
    }
    expect(contents()).toEqual({ "a.txt": "new", "b.txt": "new", "c.txt": "new", "notes.md": "mine" });
  });

  test("that cannot be written is named", async () => {
    writeFileSync(join(root, "runs"), "a file");
    await expect(claim()).rejects.toMatchObject({ code: "Data", message: expect.stringContaining(folder) });
  });
});

test("a replacement that is killed at any change of the file system leaves the old result or the new one, whole", async () => {
  const old = { "a.txt": "old", "b.txt": "old", "notes.md": "mine" };
  const fresh = { "b.txt": "new", "c.txt": "new", "notes.md": "mine" };
  const seen: string[] = [];
  for (let count = 0; seen.at(-1) !== "done"; count++) {
    rmSync(folder, { recursive: true, force: true });
    await leaveResult();
    const { status, stdout } = spawnSync(process.execPath, [script, folder, `overwrite:${count}`], {
      encoding: "utf8",
    });
    // Before anything puts it right, each file of one of the two results is there.
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const texts = files.map(({ name, parentPath }) => `${name} ${readFileSync(join(parentPath, name), "utf8")}`);
    const whole = (result: Record<string, string>) =>
      Object.entries(result).every(([name, text]) => texts.includes(`${name} ${text}`));
    expect(whole(old) || whole(fresh), `killed at change ${count}: ${texts.join(", ")}`).toBe(true);
    // Whoever comes next, for whatever, finds one of the two and nothing else.
    await using _claimed = await claim({ continues: true });
    const { ".lock": _lock, ...left } = Object.fromEntries(
      readdirSync(folder).map((name) => [name, name === ".lock" ? "" : readFileSync(join(folder, name), "utf8")]),
    );
    expect([old, fresh]).toContainEqual(left);
    if (stdout.includes("published")) expect(left).toEqual(fresh);
    seen.push(status === 0 ? "done" : left["a.txt"] === "old" ? "old" : "new");
  }
  // Both outcomes were seen, in that order.
  expect(seen.join(" ")).toMatch(/^(old ){2,}(new ){4,}done$/);
});
