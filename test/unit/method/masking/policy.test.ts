import { describe, expect, test } from "vitest";
import { drawnRole, drawSelection, type MaskingPolicy, selectByRole } from "../../../../src/method/masking/policy.ts";
import { randomOrder } from "../../../../src/method/masking/selection.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const streamOf = (image: number) => () => RandomStream.for(3, "roles", 0, image, 0);
const drawn = (policy: MaskingPolicy, images = 4000) => {
  const counts = { hide: 0, keep: 0, uniform: 0 };
  for (let image = 0; image < images; image++) counts[drawnRole(policy, streamOf(image))]++;
  return counts;
};

describe("what an image's patches are drawn by", () => {
  test("is the policy's own role where nothing is left to chance, and no number is drawn", () => {
    const never = () => {
      throw new Error("drawn");
    };
    expect(drawnRole({ attended: "hide", randomShare: 0 }, never)).toBe("hide");
    expect(drawnRole({ attended: "keep", randomShare: 0 }, never)).toBe("keep");
  });

  test("is uniform for the share asked for, and the rest alternates evenly", () => {
    // Bounds of four standard deviations of a share of 4000.
    const { hide, keep, uniform } = drawn({ attended: "alternate", randomShare: 0.3 });
    expect(Math.abs(uniform / 4000 - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / 4000));
    expect(Math.abs(hide / (hide + keep) - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / (hide + keep)));
  });

  test("is never uniform at 0 and always at 1", () => {
    expect(drawn({ attended: "alternate", randomShare: 0 }, 200).uniform).toBe(0);
    expect(drawn({ attended: "keep", randomShare: 1 }, 200)).toEqual({ hide: 0, keep: 0, uniform: 200 });
  });
});

test("the patches attended most are masked first, or kept first and masked next", () => {
  const order = Uint32Array.of(5, 3, 1, 0, 2, 4);
  const counts = { kept: 1, masked: 2, thrown: 3 };
  const lists = (role: Parameters<typeof selectByRole>[0]) =>
    Object.fromEntries(Object.entries(selectByRole(role, order, counts)).map(([name, list]) => [name, [...list]]));
  expect(lists("hide")).toEqual({ masked: [5, 3], thrown: [1, 0, 2], kept: [4] });
  expect(lists("uniform")).toEqual(lists("hide"));
  expect(lists("keep")).toEqual({ kept: [5], masked: [3, 1], thrown: [0, 2, 4] });
});

test("an image's patches are drawn by its map, or from the role's own stream where they are drawn uniformly", () => {
  const counts = { kept: 1, masked: 2, thrown: 3 };
  const order = Uint32Array.of(5, 3, 1, 0, 2, 4);
  const byMap = () => ({ order, uniform: true });
  const policy = { attended: "keep", randomShare: 0 } as const;
  expect(drawSelection(policy, 6, counts, streamOf(1), byMap)).toEqual({
    selection: selectByRole("keep", order, counts),
    uniform: true,
  });
  // Not the order that the stream gives from its beginning: the first number has said that it is drawn uniformly.
  const stream = streamOf(1)();
  stream.uniform();
  expect(drawSelection({ ...policy, randomShare: 1 }, 6, counts, streamOf(1), byMap)).toEqual({
    selection: selectByRole("uniform", randomOrder(6, stream), counts),
    uniform: false,
  });
});
