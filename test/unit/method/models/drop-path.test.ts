import { expect, test } from "vitest";
import { dropPathRates } from "../../../../src/method/models/classifier.ts";

test.each([
  [1, 0.4, [0]],
  [2, 0.4, [0, 0.4]],
  [5, 0.4, [0, 0.1, 0.2, 0.3, 0.4]],
])("drop-path rates of %d blocks up to %d rise linearly from 0", (depth, largest, expected) => {
  const rates = dropPathRates(depth, largest);
  expect(rates).toHaveLength(depth);
  rates.forEach((rate, i) => {
    expect(rate).toBeCloseTo(expected[i] as number, 15);
  });
});
