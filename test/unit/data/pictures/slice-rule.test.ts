import { describe, expect, test } from "vitest";
import { applySliceRule, parseSliceRule } from "../../../../src/data/pictures/slice-rule.ts";

describe("slice rules", () => {
  test.each([
    ["all", 4, [0, 1, 2, 3]],
    ["first", 4, [0]],
    ["middle", 4, [2]],
    ["middle", 5, [2]],
    ["every:2", 5, [0, 2, 4]],
    ["every:2", 4, [0, 2]],
    ["every:9", 4, [0]],
    ["range:1-2", 4, [1, 2]],
    ["range:2-9", 4, [2, 3]],
    ["range:4-9", 4, []],
    [" Range:0-0 ", 4, [0]],
  ])("%s of %i pictures", (rule, count, expected) => {
    expect(applySliceRule(parseSliceRule(rule), count)).toEqual(expected);
  });

  test("largest-label takes the first slice of the largest area, and none where nothing is labelled", () => {
    const rule = parseSliceRule("largest-label");
    expect(applySliceRule(rule, 4, [0, 7, 9, 9])).toEqual([2]);
    expect(applySliceRule(rule, 3, [0, 0, 0])).toEqual([]);
    expect(applySliceRule(rule, 2, [0, 1, 5])).toEqual([1]);
  });

  test.each(["", "some", "every:0", "every:-1", "every:1.5", "range:5-2", "range:3", "range:-1-2", "middle:1"])(
    "%j is a Config error",
    (text) => {
      expect(() => parseSliceRule(text)).toThrow(expect.objectContaining({ code: "Config" }));
    },
  );
});
