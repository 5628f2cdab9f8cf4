import { expect, test } from "vitest";
import { relabel } from "../../../src/inference/outcomes/classes.ts";

const samples = [0, 1, 0].map((label) => ({ path: `${label}.png`, label }));
const labels = (classNames: string[], known: string[]) =>
  relabel({ classNames }, samples, { classNames: known }, "data").map(({ label }) => label);

test("classes of a data set are found among the model's, equal numbers however they are written", () => {
  expect(labels(["a", "c"], ["c", "b", "a"])).toEqual([2, 0, 2]);
  expect(labels(["0.0", "1.0"], ["1", "0"])).toEqual([1, 0, 1]);
  expect(labels(["1", "01"], ["01", "1"])).toEqual([1, 0, 1]);
});

test("classes that the model does not know are a Data error, also in another case", () => {
  expect(() => labels(["a", "B"], ["a", "b"])).toThrow(/those the model knows \(a, b\), got B/);
});
