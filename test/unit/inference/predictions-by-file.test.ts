import { expect, test } from "vitest";
import { byFile } from "../../../src/inference/predictions-by-file.ts";
import type { Prediction } from "../../../src/inference/predictor.ts";
import type { FileFailure } from "../../../src/inference/read-files.ts";

const classNames = ["no", "yes"];
const said = (path: string, p: number, slice?: number): Prediction => ({
  path,
  ...(slice !== undefined && { slice }),
  class: p > 0.5 ? "yes" : "no",
  probabilities: { no: 1 - p, yes: p },
});
const failure = (path: string, slice?: number): FileFailure => ({
  path,
  ...(slice !== undefined && { slice }),
  error: { code: "Data", message: "cut" },
});

async function linesOf(lines: readonly (Prediction | FileFailure)[], aggregation: "mean" | "max" | "top-2") {
  const told = [];
  const given = (async function* () {
    yield* lines;
  })();
  for await (const line of byFile(given, aggregation, { classNames })) told.push(line);
  return told;
}

test("slices of a file become one line, by the rule; what cannot be read keeps its own", async () => {
  const lines = [
    said("a.nii", 0.1, 0),
    failure("a.nii", 1),
    said("a.nii", 0.8, 2),
    said("a.nii", 0.3, 3),
    failure("b.png"),
    said("c.png", 0.6),
    said("a.nii", 0.4, 0),
  ];
  const max = await linesOf(lines, "max");
  expect(max.map((line) => [line.path, "error" in line ? "error" : line.slices])).toEqual([
    ["a.nii", "error"],
    ["a.nii", 3],
    ["b.png", "error"],
    ["c.png", 1],
    ["a.nii", 1],
  ]);
  expect(max[1]).toMatchObject({ class: "yes", probabilities: { yes: expect.closeTo(0.8, 12) } });
  expect((await linesOf(lines, "mean"))[1]).toMatchObject({
    class: "no",
    probabilities: { yes: expect.closeTo(0.4, 12) },
  });
  expect((await linesOf(lines, "top-2"))[1]).toMatchObject({ probabilities: { yes: expect.closeTo(0.55, 12) } });
  expect(await linesOf([failure("x", 0), failure("x", 1)], "max")).toHaveLength(2);
});
