import { expect, test } from "vitest";
import type { DemoResult } from "../../src/apps/demo/demo.ts";
import { run } from "./fakes.ts";

const result: DemoResult = {
  accuracy: 0.985,
  chance: 0.25,
  pointingGame: { random: 0.08, supervised: 0.625, chance: 0.0162 },
  segmentation: { dice: 0.9126, iou: 0.8441, chance: 0.0714 },
  reportPath: "runs/demo/report.html",
  seconds: 71.4,
};
const demo = async () => result;

test("a demo ends with its figures beside chance and the path of the report", async () => {
  const { code, stdout } = await run(["demo"], { demo });
  expect(code).toBe(0);
  expect(stdout.split("\n")).toEqual([
    "Done in 1m11s.",
    "Classes told right:        98.5 % of test images (guessing: 25.0 %)",
    "Attention on the lesion:   62.5 % of test images (untrained network: 8.0 %, a random point: 1.6 %)",
    "Lesion outlined:           Dice 0.913 (a disc in the middle of the image: 0.071)",
    "Report, open in a browser: runs/demo/report.html",
    "",
  ]);
});

test("--json gives the figures as they are", async () => {
  const { stdout } = await run(["demo", "--json"], { demo });
  expect(JSON.parse(stdout)).toEqual(result);
});

test("notes of a run are lines of their own, and silent under --quiet", async () => {
  const telling: typeof demo = async (...[, hooks]: unknown[]) => {
    (hooks as { onEvent(event: object): void }).onEvent({ type: "note", message: "step 1 of 6: drawing" });
    return result;
  };
  expect((await run(["demo"], { demo: telling })).stderr).toBe("step 1 of 6: drawing\n");
  expect((await run(["demo", "--quiet"], { demo: telling })).stderr).toBe("");
});
