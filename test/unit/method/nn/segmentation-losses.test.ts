import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import { input } from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";
import { nodeBackend } from "../../../../src/engine/runtime/node-backend.ts";
import { compile, Program } from "../../../../src/engine/runtime/program.ts";
import {
  diceLoss,
  MASK_LOSSES,
  type MaskTargets,
  maskCrossEntropy,
  maskFocalLoss,
  maskLoss,
  maskProbabilities,
  targetsOfClasses,
  tverskyLoss,
} from "../../../../src/method/nn/segmentation-losses.ts";
// Written by bench/peers/segmentation_losses.py.
import torch from "./torch-mask-losses.json" with { type: "json" };

type Loss = (logits: Value, mask: MaskTargets) => Value;

const losses: Record<string, Loss> = {
  ce: maskCrossEntropy,
  ...Object.fromEntries(MASK_LOSSES.map((name): [string, Loss] => [name, (x, mask) => maskLoss(name, x, mask)])),
  ...Object.fromEntries([0, 0.5, 2].map((gamma) => [`focal-${gamma}`, (x, mask) => maskFocalLoss(x, mask, gamma)])),
};

interface Feeds {
  logits: readonly number[];
  classes: readonly number[];
}

function stepOf(loss: Loss, shape: readonly number[], ignored?: number) {
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const logits = input("logits", shape);
  const classes = input("classes", [batch, 1, height, width], "uint8");
  const value = loss(logits, targetsOfClasses(classes, channels, ignored));
  const [gradient] = gradients(value, [logits]) as [Value];
  return graph("loss", { loss: value, gradient });
}

function inFloat64(step: ReturnType<typeof stepOf>, { logits, classes }: Feeds) {
  const results = interpret(step, { logits: [...logits], classes: [...classes] });
  return { loss: results.get("loss")?.data[0] as number, gradient: results.get("gradient")?.data as Float64Array };
}

async function onCpu(step: ReturnType<typeof stepOf>, { logits, classes }: Feeds) {
  const program = await Program.load(nodeBackend, compile(step, "cpu"), { provider: "cpu", threads: 1 });
  const feeds = { logits: Float32Array.from(logits), classes: Uint8Array.from(classes) };
  const results = await program.run(feeds);
  await program.release();
  return { loss: results.loss?.[0] as number, gradient: results.gradient as Float32Array };
}

describe.each(torch.cases)("$name", ({ shape, weighted, values, ...feeds }) => {
  const known: Readonly<Record<string, { loss: number; gradient: number[] } | undefined>> = values;
  const ignored = weighted ? 255 : undefined;

  test.each(Object.keys(known).filter((name) => name in losses))("%s and its gradient are PyTorch's", async (name) => {
    const want = known[name] as { loss: number; gradient: number[] };
    const step = stepOf(losses[name] as Loss, shape, ignored);
    const largest = Math.max(...want.gradient.map(Math.abs));
    const agree = (got: { loss: number; gradient: ArrayLike<number> }, tolerance: number) => {
      expect(Math.abs(got.loss / want.loss - 1)).toBeLessThan(tolerance);
      want.gradient.forEach((value, at) => {
        expect(Math.abs((got.gradient[at] as number) - value)).toBeLessThan(tolerance * largest);
      });
    };
    agree(inFloat64(step, feeds), 1e-10);
    // fp32 rounding of some tens of operations.
    agree(await onCpu(step, feeds), 5e-6);
  });

  test.each(Object.keys(losses))("%s vjp matches central differences", (name) => {
    const step = stepOf(losses[name] as Loss, shape, ignored);
    const { gradient } = inFloat64(step, feeds);
    feeds.logits.forEach((logit, at) => {
      if (Math.abs(logit) > 30) return;
      const [up, down] = [1e-5, -1e-5].map((h) => {
        return inFloat64(step, { ...feeds, logits: feeds.logits.with(at, logit + h) }).loss;
      }) as [number, number];
      expect((up - down) / 2e-5).toBeCloseTo(gradient[at] as number, 7);
    });
  });
});

test("classes become channels, pixels nobody has judged become weights of 0", () => {
  const classes = input("classes", [1, 1, 1, 4], "uint8");
  const valuesOf = (channels: number) => {
    const { targets, weights } = targetsOfClasses(classes, channels, 255);
    const results = interpret(graph("targets", { targets, weights: weights as Value }), { classes: [0, 1, 2, 255] });
    return ["targets", "weights"].map((name) => [...(results.get(name)?.data ?? [])]);
  };
  expect(valuesOf(1)).toEqual([
    [0, 1, 0, 0],
    [1, 1, 1, 0],
  ]);
  expect(valuesOf(3)[0]).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
  expect(targetsOfClasses(classes, 1)).not.toHaveProperty("weights");
});

test("at logits of 0, where a network may begin, the binary cross-entropy has its derivative", async () => {
  const step = stepOf(maskCrossEntropy, [1, 1, 1, 2]);
  const feeds = { logits: [0, 0], classes: [0, 1] };
  const want = { loss: Math.log(2), gradient: [0.25, -0.25] };
  const got = inFloat64(step, feeds);
  expect(got.loss).toBeCloseTo(want.loss, 14);
  expect([...got.gradient]).toEqual(want.gradient);
  expect([...(await onCpu(step, feeds)).gradient]).toEqual(want.gradient);
});

test.each(Object.keys(losses))(
  "%s is finite where all is sure, right or wrong, and where nothing counts",
  async (name) => {
    const sure = { logits: [100, -100, 100, -100, 1000, -1000], classes: [1, 0, 0, 1, 1, 1] };
    const step = stepOf(losses[name] as Loss, [1, 1, 2, 3], 255);
    for (const classes of [sure.classes, new Array<number>(6).fill(255), new Array<number>(6).fill(0)]) {
      const { loss, gradient } = await onCpu(step, { ...sure, classes });
      expect(Number.isFinite(loss)).toBe(true);
      expect([...gradient].every(Number.isFinite)).toBe(true);
    }
  },
);

test("what is predicted for pixels nobody has judged changes no loss", () => {
  for (const [name, loss] of Object.entries(losses)) {
    const step = stepOf(loss, [1, 1, 1, 3], 255);
    const [one, other] = [3, -8].map((last) => inFloat64(step, { logits: [1, -1, last], classes: [1, 0, 255] }));
    expect(one?.loss, name).toBe(other?.loss);
    expect(one?.gradient[2], name).toBeCloseTo(0, 15);
  }
});

test("Tversky with a half of each is Dice but for what smooths them", () => {
  const halves = { falsePositives: 0.5, falseNegatives: 0.5 };
  const feeds = { logits: [0.3, -1, 2, 0.7], classes: [1, 0, 1, 1] };
  const tversky = inFloat64(
    stepOf((x, mask) => tverskyLoss(x, mask, halves), [1, 1, 2, 2]),
    feeds,
  );
  expect(tversky.loss).toBeCloseTo(inFloat64(stepOf(diceLoss, [1, 1, 2, 2]), feeds).loss, 5);
});

test("probabilities are the sigmoid of one channel, and sum to 1 over several", () => {
  const of = (channels: number) => {
    const probabilities = maskProbabilities(input("logits", [1, channels, 1, 2]));
    const logits = [0, 2, 0, -1].slice(0, 2 * channels);
    return [...(interpret(graph("p", { probabilities }), { logits }).get("probabilities")?.data ?? [])];
  };
  expect(of(1)).toEqual([0.5, expect.closeTo(1 / (1 + Math.exp(-2)), 14)]);
  expect(of(2)).toEqual([
    0.5,
    expect.closeTo(1 / (1 + Math.exp(-3)), 14),
    0.5,
    expect.closeTo(1 / (1 + Math.exp(3)), 14),
  ]);
});
