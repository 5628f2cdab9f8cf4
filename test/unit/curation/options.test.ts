import { expect, test } from "vitest";
import { ConfigError } from "../../../src/config/index.ts";
import { anonymiseDicom } from "../../../src/curation/anonymise/index.ts";
import { checkData } from "../../../src/curation/check/check-data.ts";
import { prepareData } from "../../../src/curation/prepare/index.ts";
import { showImageFile } from "../../../src/curation/show/show.ts";
import { showWatched } from "../../../src/curation/show/show-watched.ts";
import { splitData } from "../../../src/curation/split-data.ts";
import { dataStats } from "../../../src/curation/stats.ts";

type Verb = (input: never) => Promise<unknown>;
const wrong = { seed: -1, sliceAxes: "coronal", threads: 1.5 };

/** Where the one error of a function finds faults. */
async function faults(verb: Verb, input: object): Promise<string[]> {
  const error = await verb(input as never).catch((reason: unknown) => reason);
  return error instanceof ConfigError ? error.problems.map(({ where }) => where).sort() : [];
}

test.each<[string, Verb, string[]]>([
  ["checkData", checkData, ["dataPath"]],
  ["splitData", splitData, ["dataPath", "output"]],
  ["dataStats", dataStats, ["dataPath"]],
  ["prepareData", prepareData, ["archives", "outputDir", "preset"]],
  ["anonymiseDicom", anonymiseDicom, ["inputs", "outputDir"]],
  ["showImageFile", showImageFile, ["file"]],
  ["showWatched", showWatched, ["file"]],
])("%s tells all that is wrong with its options in one Config error", async (_, verb, missing) => {
  expect(await faults(verb, wrong)).toEqual([...missing, "seed", "sliceAxes", "threads"].sort());
});

test("contradictions of anonymising are among what is told", async () => {
  const input = { inputs: ["a"], outputDir: "o", keep: ["full-dates", "modified-dates"], key: "short" };
  expect(await faults(anonymiseDicom, input)).toEqual(["--keep", "--key"]);
});
