import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DemoResult } from "../../src/apps/demo/demo.ts";
import { readme, readmeBlocks, runReadmeCommand } from "./readme.ts";

const root = join(import.meta.dirname, "../..");
/** Where the machine is busy it takes several times the minute that it takes on two idle cores. */
const PATIENCE = 900_000;

describe("msmae demo, as a newcomer runs it", () => {
  let folder = "";
  let result: DemoResult;
  let stderr = "";

  beforeAll(() => {
    // Where the README's next commands look for it.
    folder = join(mkdtempSync(join(tmpdir(), "msmae-demo-")), "runs", "demo");
    // Beside other tests a second thread would mostly wait for its turn, at full load.
    const argv = [join(root, "src/apps/cli/main.ts"), "demo", "--output-dir", folder, "--threads", "1", "--json"];
    const ended = spawnSync(process.execPath, argv, { encoding: "utf8" });
    stderr = ended.stderr;
    expect(ended.status, stderr).toBe(0);
    result = JSON.parse(ended.stdout);
  }, PATIENCE);
  afterAll(() => rmSync(join(folder, "..", ".."), { recursive: true, force: true }));

  test("learns the classes: accuracy at least 0.9 of four", () => {
    expect(result.chance).toBe(0.25);
    expect(result.accuracy).toBeGreaterThanOrEqual(0.9);
  });

  test("supervised maps peak in the lesion at least twice as often as a random point, and more than random maps", () => {
    const { random, supervised, chance } = result.pointingGame;
    expect(chance).toBeGreaterThan(0);
    expect(supervised).toBeGreaterThanOrEqual(2 * chance);
    expect(supervised).toBeGreaterThan(random);
  });

  test("lesions are outlined: Dice at least 0.85, four times that of a disc in the middle", () => {
    const { dice, iou, chance } = result.segmentation;
    expect(dice).toBeGreaterThanOrEqual(0.85);
    expect(iou).toBeLessThan(dice);
    expect(chance).toBeGreaterThan(0);
    expect(dice).toBeGreaterThanOrEqual(4 * chance);
  });

  test("the report stands alone: every picture inside, no script and no address of the network", () => {
    expect(result.reportPath).toBe(join(folder, "report.html"));
    const page = readFileSync(result.reportPath, "utf8");
    expect(page).not.toMatch(/(src|href)="?https?:|url\(["']?https?:|@import|<script|<link/i);
    expect(page).not.toContain(folder);
    for (const source of page.matchAll(/<img src="([^"]{0,30})/g))
      expect(source[1]).toMatch(/^data:image\/png;base64,/);
    const parts = ["evaluation", "segmentation", "attention", "pointing-game", "reconstructions", "training"];
    for (const part of [...parts, "provenance"]) {
      expect(page).toContain(`<section id="${part}"`);
    }
    expect(page).toContain(`${(100 * result.accuracy).toFixed(1)} %`);
    expect(page).toContain(result.segmentation.dice.toFixed(3));
    expect(page.match(/outlines of truth and prediction/g)).toHaveLength(6);
    expect(page).toContain("Confusion matrix");
    expect(page).toContain("ROC, each class against the rest");
  });

  test("every step is told, and the trainings leave complete runs", () => {
    for (const step of [1, 2, 3, 4, 5, 6]) expect(stderr).toContain(`step ${step} of 6: `);
    const files = ["pretrain/last.safetensors", "finetune/best.safetensors", "finetune/metrics.json", "maps.png"];
    for (const file of files) expect(existsSync(join(folder, file)), file).toBe(true);
    const metrics = JSON.parse(readFileSync(join(folder, "finetune/metrics.json"), "utf8"));
    expect(metrics.accuracy).toBe(result.accuracy);
    expect(metrics.classNames).toEqual(["disc", "dots", "ring", "star"]);
    const outlines = JSON.parse(readFileSync(join(folder, "segment/metrics.json"), "utf8"));
    expect(outlines.dice).toBe(result.segmentation.dice);
    expect(JSON.parse(readFileSync(join(folder, "demo.json"), "utf8"))).toEqual({
      madeBy: "msmae demo",
      finished: true,
      ...result,
    });
  });

  describe("the README's next steps, on what the demo left", () => {
    test("there are nine, after two set-up commands that are scripts of the package", () => {
      const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
      expect(readme).toMatch(/^npm install && npm run demo /m);
      expect(readme).toMatch(/^npm install && npm test /m);
      expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["demo", "test"]));
      expect(readmeBlocks).toHaveLength(9);
    });

    test.each(readmeBlocks)(
      "$commands",
      ({ commands, words }) => {
        let printed = "";
        for (const line of commands) {
          const { status, stdout, stderr } = runReadmeCommand(line, join(folder, "..", ".."));
          expect(status, stderr).toBe(0);
          printed += stdout;
        }
        for (const word of words) expect(printed).toContain(word);
      },
      PATIENCE,
    );
  });
});
