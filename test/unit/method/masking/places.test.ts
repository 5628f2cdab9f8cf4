import { expect, test } from "vitest";
import { placesOf } from "../../../../src/method/feeds.ts";
import { type Selection, selectAttended } from "../../../../src/method/masking/selection.ts";

test("selectAttended keeps the start of an order, masks what follows and throws the end", () => {
  const order = Uint32Array.of(4, 0, 5, 2, 1, 3);
  expect(selectAttended(order, { kept: 2, masked: 1, thrown: 3 })).toEqual({
    kept: Uint32Array.of(4, 0),
    masked: Uint32Array.of(5),
    thrown: Uint32Array.of(2, 1, 3),
  });
  expect(selectAttended(order, { kept: 6, masked: 0, thrown: 0 }).thrown).toHaveLength(0);
});

test("placesOf: the row of each patch that runs, [kept · batch], and one past them for one that does not", () => {
  const selection = (...kept: number[]): Selection => {
    return { kept: Uint32Array.from(kept), masked: new Uint32Array(0), thrown: new Uint32Array(0) };
  };
  // Rows: 0 patch 3 of image 0, 1 patch 0 of image 1, 2 patch 1 of image 0, 3 patch 3 of image 1.
  const places = placesOf([selection(3, 1), selection(0, 3)], 4);
  const [none, rows] = [4, [...places].map(Number)];
  expect(rows).toEqual([none, 1, 2, none, none, none, 0, 3]);
  expect([...placesOf([selection(2, 0, 1)], 3)].map(Number)).toEqual([1, 2, 0]);
});
