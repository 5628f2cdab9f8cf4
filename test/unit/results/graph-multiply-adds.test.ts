import { describe, expect, test } from "vitest";
import { matMul, input as tensor } from "../../../src/engine/graph/builders.ts";
import { graph } from "../../../src/engine/graph/graph.ts";
import { classifierKind } from "../../../src/method/kinds/classifier.ts";
import { resnetKind } from "../../../src/method/kinds/resnet.ts";
import { modelShape, type ShapeChoices } from "../../../src/method/kinds/shape.ts";
import { swinKind } from "../../../src/method/kinds/swin.ts";
import { classifierGraph } from "../../../src/method/models/classifier.ts";
import type { ClassifierConfig } from "../../../src/method/models/config.ts";
import { networkGraph } from "../../../src/method/models/network.ts";
import { classifierMultiplyAdds } from "../../../src/results/efficiency.ts";
import { graphMultiplyAdds } from "../../../src/results/graph-multiply-adds.ts";

const conventions = ["thop", "fvcore"] as const;
const shape = (model: string, side: number, numClasses: number): ShapeChoices => ({
  ...{ model, inputSize: { height: side, width: side }, inChans: 3, numClasses },
});

// As thop 0.1.1 and fvcore 0.1.5 print them for torchvision 0.29 and timm 1.0.31.
describe("networks count what thop and fvcore count", () => {
  test.each([
    [224, 1000, { thop: 1_824_033_792, fvcore: 1_819_065_856 }],
    [224, 5, { thop: 1_823_524_352, fvcore: 1_818_556_416 }],
    [96, 3, { thop: 334_934_528, fvcore: 334_021_632 }],
  ])("ResNet-18 at %d pixels with %d classes", (side, classes, expected) => {
    const config = modelShape(resnetKind, shape("resnet18", side, classes));
    const counted = networkGraph(resnetKind.network, config, 2, "training");
    for (const convention of conventions) expect(graphMultiplyAdds(counted, convention)).toBe(2 * expected[convention]);
  });

  test.each([
    [1000, { thop: 4_371_851_808, fvcore: 4_509_194_496 }],
    [5, { thop: 4_371_087_648, fvcore: 4_508_430_336 }],
  ])("Swin-T at 224 pixels with %d classes, without the softmax that thop counts there", (classes, expected) => {
    const config = modelShape(swinKind, shape("swin_tiny_patch4_window7", 224, classes));
    const counted = networkGraph(swinKind.network, config, 1);
    // Rows of 49 tokens in a window, for each block, window and head; 49 exponentials, 48 additions and 49 divisions.
    const rows = 49 * (2 * 64 * 3 + 2 * 16 * 6 + 6 * 4 * 12 + 2 * 24);
    expect(graphMultiplyAdds(counted, "thop")).toBe(expected.thop - rows * (49 + 48 + 49));
    expect(graphMultiplyAdds(counted, "fvcore")).toBe(expected.fvcore);
  });
});

test.each(conventions)("a vision transformer's graph has the operations of its formula, by %s", (convention) => {
  const config: ClassifierConfig = {
    ...modelShape(classifierKind, { ...shape("vit_micro_patch8", 32, 5), inputSize: { height: 32, width: 48 } }),
    globalPool: "avg",
  };
  for (const kept of [24, 6]) {
    const counted = classifierGraph(config, { batch: 3, kept });
    const formula = classifierMultiplyAdds(config, convention, { kept, embedded: kept });
    expect(graphMultiplyAdds(counted, convention)).toBe(3 * formula);
  }
});

test("a product counts its inner extent however its operands lie", () => {
  const product = (a: number[], b: number[], options: Parameters<typeof matMul>[2]) =>
    graphMultiplyAdds(graph("product", { y: matMul(tensor("a", a), tensor("b", b), options) }), "fvcore");
  // [2 of 3×5] · [2 of 5×7]
  const expected = 2 * 3 * 5 * 7;
  expect(product([2, 3, 5], [2, 5, 7], {})).toBe(expected);
  expect(product([2, 5, 3], [2, 5, 7], { transA: true })).toBe(expected);
  expect(product([3, 2, 5], [2, 7, 5], { transBatchA: true, transB: true })).toBe(expected);
  expect(product([5, 2, 3], [2, 5, 7], { transBatchA: true, transA: true })).toBe(expected);
});
