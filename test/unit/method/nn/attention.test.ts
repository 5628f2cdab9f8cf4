import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import { constant, input, mul, reduceSum } from "../../../../src/engine/graph/builders.ts";
import { type Graph, graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { linearSpecs, parameterInputs } from "../../../../src/engine/parameters/specs.ts";
import { attention, type TokenRange } from "../../../../src/method/nn/attention.ts";
import { parameterValues, relativeError } from "../../../support/micro-graphs.ts";

// As many tokens as an image of 224² has patches: the scores of a head of 33 images are 5.07 MB, of 32 images 4.92 MB.
const tokens = 196;
const dim = 6;
const specs = [...linearSpecs("a.qkv", dim, 3 * dim), ...linearSpecs("a.proj", dim, dim)];

/** Attention of a batch, and the derivatives of a sum of it by x and by the weights. */
function attend(batch: number, numHeads: number, queries: TokenRange): Graph {
  const p = parameterInputs(specs);
  const x = input("x", [tokens * batch, dim]);
  const rows = attention(x, p, "a", { tokens, batch }, numHeads, { queries });
  // Each token and column counts otherwise, and all images alike.
  const weights = Float64Array.from({ length: (queries.to - queries.from) * batch * dim }, (_, i) =>
    Math.sin(Math.floor(i / (batch * dim)) * dim + (i % dim)),
  );
  const loss = reduceSum(mul(rows, constant(weights, rows.shape)), [0, 1]);
  const wrt = [x, ...specs.map(({ name }) => p(name))];
  const names = ["x", ...specs.map(({ name }) => name)];
  const derivatives = gradients(loss, wrt).map((value, i) => [`d/${names[i]}`, value] as const);
  return graph("attention", { rows, ...Object.fromEntries(derivatives) });
}

/** In how many groups of heads the scores are made. */
const groupsOf = ({ nodes }: Graph): number => nodes.filter(({ op }) => op === "Softmax").length;

const everyToken = { from: 0, to: tokens };

test.each([
  ["one head, whatever its scores", 33, 1, 1],
  ["three heads of 0.15 MB each", 1, 3, 1],
  ["three heads of 1.69 MB each, 5.07 together", 11, 3, 3],
  ["six heads of 0.77 MB each, of which six would fit", 5, 6, 1],
  ["six heads of 1.54 MB each, of which three fit", 10, 6, 2],
  ["six heads of 2.31 MB each, of which two fit", 15, 6, 3],
])("scores of %s are made in so many groups", (_, batch, numHeads, groups) => {
  expect(groupsOf(attend(batch, numHeads, everyToken))).toBe(groups);
});

test("scores of a few tokens that ask are small", () => {
  expect(groupsOf(attend(15, 6, { from: 3, to: 13 }))).toBe(1);
});

describe.each([
  ["all tokens", everyToken],
  ["some tokens", { from: 10, to: 195 }],
])("heads taken a few at a time, of %s", (_, queries) => {
  const [batch, numHeads] = [12, 3];
  const whole = attend(batch, numHeads, queries);
  const single = attend(1, numHeads, queries);
  const values = parameterValues(specs);
  const x = Float64Array.from({ length: tokens * batch * dim }, (_v, i) => Math.sin(i * 0.7) + Math.cos(i * i));
  /** The rows of one image of rows [tokens · batch, dim]. */
  const rowsOf = (image: number, rows: Float64Array) =>
    Float64Array.from(
      { length: rows.length / batch },
      (_v, i) => rows[(Math.floor(i / dim) * batch + image) * dim + (i % dim)] as number,
    );
  const got = interpret(whole, { ...values, x });
  const ofImages = Array.from({ length: batch }, (_v, i) => interpret(single, { ...values, x: rowsOf(i, x) }));

  test("give each image what it has alone, with all its heads at once", () => {
    expect([groupsOf(whole), groupsOf(single)]).toEqual([3, 1]);
    for (const name of ["rows", "d/x"]) {
      for (const [i, alone] of ofImages.entries()) {
        const of = rowsOf(i, got.get(name)?.data as Float64Array);
        expect(relativeError(of, alone.get(name)?.data as Float64Array), `${name}, ${i}`).toBeLessThan(1e-12);
      }
    }
  });

  test.each(specs.map(({ name }) => `d/${name}`))("give %s, the sum of the images'", (name) => {
    const data = ofImages.map((one) => one.get(name)?.data as Float64Array);
    const sum = (data[0] as Float64Array).map((_v, i) => data.reduce((total, one) => total + (one[i] as number), 0));
    expect(relativeError(got.get(name)?.data as Float64Array, sum)).toBeLessThan(1e-12);
  });
});
