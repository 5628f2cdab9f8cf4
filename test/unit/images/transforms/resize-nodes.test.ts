import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { add, input, scalar } from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { emitted } from "../../../../src/engine/onnx/emitter.ts";
import { emitPortable } from "../../../../src/engine/onnx/portable.ts";
import { Resizer } from "../../../../src/images/transforms/resize.ts";
import { resizeNodes } from "../../../../src/images/transforms/resize-nodes.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const [HEIGHT, WIDTH] = [24, 40];

test("the nodes resize to Pillow's bytes, whichever pass comes first, larger, smaller and as it is", async () => {
  const { bytes } = emitPortable({
    name: "resize",
    graphs: (batch) => [graph("resize", { out: add(input("images", [batch, 1, HEIGHT, WIDTH]), scalar(0)) })],
    input: { name: "pixels", dtype: "float32", shape: ["batch", 1, "height", "width"] },
    before: (e) => {
      emitted(e, "Identity", [resizeNodes(e, "pixels", [HEIGHT, WIDTH])], {}, "images");
    },
    weights: () => new Float32Array(),
    producerVersion: "0",
    metadata: {},
  });
  const session = await InferenceSession.create(bytes);
  const random = RandomStream.for(3, "phantom");
  const resizer = new Resizer();
  // In the third and the last y goes first.
  for (const [height, width] of [
    [61, 95],
    [97, 400],
    [301, 60],
    [24, 40],
    [7, 11],
    [24, 100],
    [100, 30],
  ] as const) {
    const pixels = Uint8Array.from({ length: height * width }, () => random.uniform() * 256);
    const feeds = { pixels: new Tensor("float32", Float32Array.from(pixels), [1, 1, height, width]) };
    const { out } = await session.run(feeds);
    const wanted = resizer.resize({ height, width, channels: 1, pixels }, HEIGHT, WIDTH, { filter: "bilinear" });
    expect([height, width, Uint8Array.from(out?.data as Float32Array)]).toEqual([height, width, wanted]);
  }
});
