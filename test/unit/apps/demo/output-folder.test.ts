import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claimFolder } from "../../../../src/apps/demo/output-folder.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "msmae-demo-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(...names: string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), name);
  }
}

/** What a demo leaves that ended early. */
async function leaveDemo(): Promise<void> {
  await using _folder = await claimFolder(root);
}

test("an empty or new folder becomes a demo's, known as unfinished until it is finished", async () => {
  await using folder = await claimFolder(root);
  expect(JSON.parse(readFileSync(join(root, "demo.json"), "utf8"))).toEqual({ madeBy: "msmae demo", finished: false });
  await folder.finish({ accuracy: 0.5 });
  expect(JSON.parse(readFileSync(join(root, "demo.json"), "utf8"))).toMatchObject({ finished: true, accuracy: 0.5 });
  await using other = await claimFolder(join(root, "new", "one"));
  expect(other.report).toBe(join(root, "new", "one", "report.html"));
});

test("one demo at a time works in a folder", async () => {
  {
    await using _folder = await claimFolder(root);
    await expect(claimFolder(root)).rejects.toMatchObject({ message: expect.stringContaining("in use by msmae demo") });
  }
  await using _folder = await claimFolder(root);
});

test("a folder of other files is refused, and nothing in it is touched", async () => {
  put("thesis.txt", "report.html", "pretrain/best.safetensors");
  await expect(claimFolder(root)).rejects.toMatchObject({
    code: "Data",
    message: expect.stringContaining("thesis.txt"),
  });
  put("demo.json");
  await expect(claimFolder(root)).rejects.toMatchObject({ code: "Data" });
  expect(readdirSync(root).sort()).toEqual(["demo.json", "pretrain", "report.html", "thesis.txt"]);
});

test("an earlier demo's files go, foreign ones among them stay", async () => {
  await leaveDemo();
  const own = [
    ...["report.html", "maps.png", "images/train/disc/0000.png", "images/masks/test/star/0049.png"],
    ...["pretrain/last.safetensors", "pretrain/last.744.state.safetensors", "finetune/checkpoint-9.safetensors"],
    ...["images/masks.csv", "segment/best.safetensors", "segment/metrics.json"],
    ...["finetune/log.txt", "pretrain/events.out.tfevents.1795453285.msmae.10490.0", "pretrain/ema.safetensors"],
  ];
  const others = [
    "notes.txt",
    "report.html.bak",
    "pretrain/mine.safetensors",
    "other/train/disc/0000.png",
    "segment/masks.csv",
  ];
  put(...own, ...others);
  await leaveDemo();
  expect(own.filter((name) => existsSync(join(root, name)))).toEqual([]);
  expect(others.filter((name) => existsSync(join(root, name)))).toEqual(others);
});

test("a foreign image among the phantoms is refused: it would be trained on", async () => {
  await leaveDemo();
  put("images/train/disc/scan.png", "images/train/disc/0000.png");
  const refusal = { code: "Data", message: expect.stringContaining("other files (train/disc/scan.png)") };
  await expect(claimFolder(root)).rejects.toMatchObject(refusal);
  expect(existsSync(join(root, "images/train/disc/0000.png"))).toBe(true);
});
