import { describe, expect, test } from "vitest";
import type { EncoderConfig } from "../../../src/method/models/config.ts";
import { classifierMultiplyAdds, classifierSaving, pretrainingMultiplyAdds } from "../../../src/results/efficiency.ts";

const base: EncoderConfig = {
  inputHeight: 224,
  inputWidth: 224,
  patchSize: 16,
  inChans: 3,
  embedDim: 768,
  depth: 12,
  numHeads: 12,
  mlpRatio: 4,
  numClasses: 5,
};
const giga = (count: number): string => (count / 1e9).toFixed(3);
const percent = (ratio: number): string => `${((ratio - 1) * 100).toFixed(2)} %`;

describe("ViT-B/16 at 224², 49 of 196 patches kept: the published digits", () => {
  test("thop: 16.862 G → 4.366 G, −74.11 %", () => {
    const { full, masked, ratio } = classifierSaving(base, { kept: 49 }).thop;
    expect([giga(full), giga(masked), percent(ratio)]).toEqual(["16.862", "4.366", "-74.11 %"]);
  });

  test("fvcore: 17.581 G → 4.413 G, −74.90 %", () => {
    const { full, masked, ratio } = classifierSaving(base, { kept: 49 }).fvcore;
    expect([giga(full), giga(masked), percent(ratio)]).toEqual(["17.581", "4.413", "-74.90 %"]);
  });
});

// One block of width 2, MLP 4, two patches of 1×1 pixel, counted by hand.
const hand: EncoderConfig = {
  inputHeight: 1,
  inputWidth: 2,
  patchSize: 1,
  inChans: 1,
  embedDim: 2,
  depth: 1,
  numHeads: 1,
  mlpRatio: 2,
  numClasses: 3,
};

describe("counts by hand", () => {
  test("thop, all patches: patches 4, block 3·(16+16) + 2·24, final norm 8, head 6", () => {
    expect(classifierMultiplyAdds(hand, "thop")).toBe(4 + 96 + 48 + 8 + 6);
  });

  test("fvcore adds the attention products 2·3²·2 and 5 per normalised element", () => {
    expect(classifierMultiplyAdds(hand, "fvcore")).toBe(4 + 96 + 36 + 60 + 10 + 6);
  });

  test("cls pooling normalises every token at the end", () => {
    expect(classifierMultiplyAdds({ ...hand, globalPool: "cls" }, "thop")).toBe(4 + 96 + 48 + 24 + 6);
  });

  test("embedding only the kept patch saves the other one's embedding", () => {
    const all = classifierMultiplyAdds(hand, "thop", { kept: 1 });
    expect(classifierMultiplyAdds(hand, "thop", { kept: 1, embedded: 1 })).toBe(all - 2);
  });

  test("pre-training adds decoder_embed, decoder blocks, decoder_norm and decoder_pred", () => {
    const decoder = { decoderEmbedDim: 4, decoderDepth: 1, decoderNumHeads: 1 };
    const encoder = 4 + 2 * 32 + 2 * 16 + 16 + 6;
    const decoded = 2 * 2 * 4 + 3 * (64 + 64) + 2 * 48 + 48 + 3 * 4 * 1;
    expect(pretrainingMultiplyAdds({ ...hand, ...decoder }, "thop", { kept: 1, decoded: 2 })).toBe(encoder + decoded);
  });
});

describe("bad shapes", () => {
  test("an input that is no whole number of patches is refused", () => {
    expect(() => classifierMultiplyAdds({ ...base, inputWidth: 225 }, "thop")).toThrow(/224x225; change --input-size/);
  });

  test("more patches kept than there are is refused", () => {
    expect(() => classifierMultiplyAdds(base, "thop", { kept: 197 })).toThrow(
      /kept patches: expected .*0\.\.196, got 197/,
    );
  });
});
