import { spawnSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { dataHash, openDataset, splitCsv } from "../src/data/dataset.ts";
import { count, readFlags } from "./flags.ts";
import { describeMachine } from "./machine.ts";

const CLASSES = 5;
const FILES = 10;

/** One start over the whole data set, in a process of its own. */
interface Start {
  openSeconds: number;
  hashSeconds: number;
  csvSeconds: number;
  cpuSeconds: number;
  peakRssBytes: number;
  dataHash: string;
}

/** `bench data-index`: start-up on a data set of many images, first and with the index of files. */
export async function dataIndexCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, ["images", "repeats", "json", "start"], []);
  if (flags.start !== undefined) {
    console.log(JSON.stringify(await start(flags.start)));
    return 0;
  }
  const images = count("images", flags.images, 100_000);
  const repeats = count("repeats", flags.repeats, 5);
  const folder = mkdtempSync(join(tmpdir(), "msmae-index-"));
  try {
    await fill(folder, images);
    const first = startApart(folder);
    const later = Array.from({ length: repeats }, () => startApart(folder));
    const checked = later.every(({ dataHash }) => dataHash === first.dataHash);
    const totals = later.map(({ openSeconds, hashSeconds, csvSeconds }) => openSeconds + hashSeconds + csvSeconds);
    const laterSeconds = totals.sort((a, b) => a - b)[totals.length >> 1];
    const document = { ...(await describeMachine(1)), images, first, later, laterSeconds, checked };
    const text = `${JSON.stringify(document, null, 1)}\n`;
    if (flags.json) await writeFile(flags.json, text);
    else console.log(text);
    return checked ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Few files under many names. */
async function fill(folder: string, images: number): Promise<void> {
  mkdirSync(join(folder, "files"));
  for (let at = 0; at < FILES; at++) {
    const pixels = Uint8Array.from({ length: 256 * 256 }, (_, i) => (i * (at + 7)) ^ (i >> 5));
    const raw = { width: 256, height: 256, channels: 1 as const };
    await sharp(pixels, { raw })
      .png()
      .toFile(join(folder, "files", `${at}.png`));
  }
  for (let label = 0; label < CLASSES; label++) mkdirSync(join(folder, "set", `class${label}`), { recursive: true });
  for (let at = 0; at < images; at++) {
    const name = `${String(at).padStart(7, "0")}.png`;
    linkSync(join(folder, "files", `${at % FILES}.png`), join(folder, "set", `class${at % CLASSES}`, name));
  }
}

function startApart(folder: string): Start {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [main, "data-index", "--start", folder], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`a start failed: ${stderr}`);
  return JSON.parse(stdout) as Start;
}

async function start(folder: string): Promise<Start> {
  const before = process.cpuUsage();
  const times = [performance.now()];
  const dataset = await openDataset(join(folder, "set"), { seed: 0, cacheDir: join(folder, "cache") });
  times.push(performance.now());
  const hash = await dataHash(dataset);
  times.push(performance.now());
  splitCsv(dataset);
  times.push(performance.now());
  const { user, system } = process.cpuUsage(before);
  const [begun = 0, opened = 0, hashed = 0, written = 0] = times.map((time) => time / 1000);
  return {
    openSeconds: opened - begun,
    hashSeconds: hashed - opened,
    csvSeconds: written - hashed,
    cpuSeconds: (user + system) / 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    dataHash: hash,
  };
}
