import { describe, expect, test } from "vitest";
import { input } from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { Shape } from "../../../../src/engine/graph/types.ts";
import { tokenImages } from "../../../../src/method/nn/attention.ts";

describe("tokenImages", () => {
  test("lays row n · B + b down as pixel n of image b", () => {
    const [grid, batch, dim] = [{ height: 2, width: 3 }, 2, 4];
    const rows = input("rows", [6 * batch, dim]);
    const values = Float64Array.from({ length: 6 * batch * dim }, (_, i) => i);
    const images = interpret(graph("images", { images: tokenImages(rows, grid, batch) }), { rows: values });
    const { shape, data } = images.get("images") as { shape: Shape; data: Float64Array };
    expect(shape).toEqual([2, 4, 2, 3]);
    // Image 1, feature 3, row 1, column 2: patch 5.
    expect(data[((1 * 4 + 3) * 2 + 1) * 3 + 2]).toBe((5 * batch + 1) * dim + 3);
    expect(data[((0 * 4 + 1) * 2 + 0) * 3 + 1]).toBe((1 * batch + 0) * dim + 1);
  });

  test("refuses rows that still hold the cls token's", () => {
    const build = () => tokenImages(input("rows", [14, 4]), { height: 2, width: 3 }, 2);
    expect(build).toThrow(/token rows to images: expected 6 patches of each of 2 images, got \[14, 4\]/);
  });
});
