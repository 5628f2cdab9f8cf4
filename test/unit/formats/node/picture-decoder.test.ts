import sharp from "sharp";
import { expect, test } from "vitest";
import { nodePictures } from "../../../../src/formats/node/picture-decoder.ts";

test("pictures that fail at the same moment are each told why", async () => {
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
  const whole = await sharp({ create: { width: 90, height: 70, channels: 3, background: "teal", noise } })
    .png()
    .toBuffer();
  const cut = whole.subarray(0, 900);
  const reasonOf = async (): Promise<string> => {
    const { decode } = await nodePictures.open(cut, "PNG", 0, 1e6);
    return decode({ alpha: "drop", hidden: undefined }).then(
      () => "none",
      (error: Error) => error.message.split("\n")[0] ?? "",
    );
  };
  const reasons = new Set<string>();
  for (let round = 0; round < 20; round++) {
    for (const reason of await Promise.all(Array.from({ length: 8 }, reasonOf))) reasons.add(reason);
  }
  // Four of ten would be "Unknown error" if they were not asked again.
  expect([...reasons]).toEqual([expect.stringContaining("read error")]);
});
