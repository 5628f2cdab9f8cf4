import { expect, test } from "vitest";
import { loadLine } from "../../../src/interop/load-line.ts";

const nothing = { loaded: [], missing: [], fresh: [], reshaped: [], dropped: [], unexpected: [] };
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

test("a line says what fits, what is new, what is dropped, from which layout, and with which mean and deviation", () => {
  const source = {
    ...({ layout: "hf-vit" } as const),
    ...{ title: "Hugging Face's ViT", normalization: imagenet, facts: { normEpsilon: 1e-12 } },
    ...{
      dropped: ["pooler.dense.weight"],
      zero: ["blocks.0.attn.qkv.bias"],
      notes: ["queries, keys and values joined"],
    },
  };
  const resized = new Map([["pos_embed", "positions 14x14 as 16x16"]]);
  const report = { ...nothing, loaded: ["a", "b"], fresh: ["head.weight"], missing: ["c"], dropped: ["d", "e", "f"] };
  const line = loadLine("x.safetensors", { description: undefined, source, resized }, report, {
    mean: [0.44899999],
    std: [0.226],
  });
  expect(line).toBe(
    [
      "x.safetensors: Hugging Face's ViT; 2 tensors fit; 2 new (head.weight, c); 4 dropped (d, e, f, …)",
      "1 zero (blocks.0.attn.qkv.bias); queries, keys and values joined; positions 14x14 as 16x16",
      "norms of epsilon 1e-12 there, 1e-6 here; mean 0.449 and std 0.226",
    ].join("; "),
  );
});

test("of a network that nothing is known of, and nothing else to say", () => {
  const start = { description: undefined, source: undefined, resized: new Map() };
  expect(loadLine("x", start, { ...nothing, loaded: ["a"] }, imagenet)).toBe(
    "x: another program's network; 1 tensors fit; mean 0.485,0.456,0.406 and std 0.229,0.224,0.225",
  );
});
