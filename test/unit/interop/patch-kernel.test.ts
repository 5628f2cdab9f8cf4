import { expect, test } from "vitest";
import { type PatchKernel, withChannels, withPatchSize } from "../../../src/interop/patch-kernel.ts";

const three: PatchKernel = { shape: [2, 3, 1, 2], values: [1, 2, 10, 20, 100, 200, 3, 4, 30, 40, 300, 400] };

test("three channels become one as their sum, one becomes three as a third each", () => {
  const one = withChannels(three, 1);
  expect(one?.shape).toEqual([2, 1, 1, 2]);
  expect(Array.from(one?.values ?? [])).toEqual([111, 222, 333, 444]);
  const grey: PatchKernel = { shape: [1, 1, 1, 2], values: [3, 6] };
  const spread = withChannels(grey, 3);
  expect(spread?.shape).toEqual([1, 3, 1, 2]);
  expect(Array.from(spread?.values ?? [])).toEqual([1, 2, 1, 2, 1, 2]);
  expect(withChannels(three, 3)).toEqual(three);
  expect(withChannels(three, 2)).toBeUndefined();
  expect(withChannels({ shape: [1, 4, 1, 1], values: [1, 2, 3, 4] }, 1)).toBeUndefined();
});

// By timm 1.0: resample_patch_embed of arange(16)² / 16.
test.each([
  [
    6,
    [
      -0.026570813730359077, -0.03184356167912483, -0.027633963152766228, 0.0024702325463294983, 0.0812060534954071,
      0.1426834762096405, 0.1382438689470291, 0.20726989209651947, 0.3185077905654907, 0.4204118251800537,
      0.5899361968040466, 0.7111684083938599, 0.5648145079612732, 0.7459613084793091, 1.0173003673553467,
      1.2233442068099976, 1.5196787118911743, 1.7232125997543335, 1.2881412506103516, 1.5562704801559448,
      1.948699712753296, 2.226233959197998, 2.598449230194092, 2.84847354888916, 2.854443073272705, 3.2501072883605957,
      3.8160572052001953, 4.186424255371094, 4.6408891677856445, 4.936700820922852, 4.040081024169922,
      4.523850440979004, 5.208847522735596, 5.640889644622803, 6.146232604980469, 6.469089984893799,
    ],
  ],
  [
    3,
    [
      0.6533799767494202, 0.8751164674758911, 2.0057260990142822, 2.8098738193511963, 4.139969825744629,
      7.136411190032959, 16.64541244506836, 18.181257247924805, 25.0528507232666,
    ],
  ],
])("a kernel of 4 as %i is timm's", (side, expected) => {
  const values = Float64Array.from({ length: 16 }, (_, i) => i ** 2 / 16);
  const resized = withPatchSize({ shape: [1, 1, 4, 4], values }, side);
  expect(resized.shape).toEqual([1, 1, side, side]);
  expected.forEach((value, i) => {
    expect(resized.values[i]).toBeCloseTo(value, 4);
  });
});

test("each kernel of several is resized by itself", () => {
  const alone = withPatchSize({ shape: [1, 1, 1, 2], values: [100, 200] }, 2);
  const last = Array.from(withPatchSize(three, 2).values).slice(8, 12);
  last.forEach((value, i) => {
    expect(value).toBeCloseTo(alone.values[i] as number, 9);
  });
});
