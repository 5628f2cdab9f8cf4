import { expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import { input, reduceSum } from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { optimize } from "../../../../src/engine/graph/passes/index.ts";
import { printGraph } from "../../../../src/engine/graph/print.ts";
import { linearSpecs, parameterInputs } from "../../../../src/engine/parameters/specs.ts";
import { attention } from "../../../../src/method/nn/attention.ts";

test("an attention block and its derivative, one line per node", () => {
  const specs = [...linearSpecs("attn.qkv", 4, 12), ...linearSpecs("attn.proj", 4, 4)];
  const p = parameterInputs(specs);
  const x = input("x", [6, 4]);
  const y = attention(x, p, "attn", { tokens: 3, batch: 2 }, 2);
  const loss = reduceSum(y, [0, 1]);
  const wrt = [x, ...specs.map(({ name }) => p(name))];
  const named = gradients(loss, wrt).map((derivative, i) => [`d${i}`, derivative] as const);
  expect(printGraph(optimize(graph("attention", { y, ...Object.fromEntries(named) })))).toMatchSnapshot();
});
