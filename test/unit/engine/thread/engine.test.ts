import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import { input, mul, reduceSum } from "../../../../src/engine/graph/builders.ts";
import { type Graph, graph } from "../../../../src/engine/graph/graph.ts";
import { ParameterStore } from "../../../../src/engine/parameters/parameter-store.ts";
import type { Engine } from "../../../../src/engine/thread/engine.ts";
import { openEngine } from "../../../../src/engine/thread/node-engine.ts";
import { Normalizer } from "../../../../src/images/transforms/normalize.ts";
import { classTargets, FeedBuilder } from "../../../../src/method/feeds.ts";
import { gatherPatches, normalizePatches } from "../../../../src/method/masking/tokens.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";

/** loss = Σ x · w², so that the gradient is 2 · x · w. */
function quadratic(): Graph {
  const [w, x] = [input("w", [4]), input("x", [4])];
  const loss = reduceSum(mul(x, mul(w, w)), [0]);
  const [derivative] = gradients(loss, [w]);
  return graph("quadratic", { loss, "grad/w": derivative as typeof w });
}

describe("the engine", () => {
  let store: ParameterStore;
  let engine: Engine;
  const step = { kind: "step", lr: 0.1, stepIndex: 1 } as const;
  beforeEach(async () => {
    store = ParameterStore.create([{ name: "w", shape: [4], role: "trainable" }], { accumulate: true });
    store.parameter("w").set([1, 2, -3, 4]);
    engine = await openEngine({ store, optimizer: {} });
    await engine.load(quadratic());
  });
  afterEach(() => engine.close());

  test("writes gradients in place and steps with them", async () => {
    const result = await engine.train("quadratic", { x: Float32Array.of(1, 1, 2, 0.5) }, step);
    expect([...(result.outputs.loss ?? [])]).toEqual([1 + 4 + 18 + 8]);
    expect(Object.keys(result.outputs)).toEqual(["loss"]);
    expect([...store.gradient("w")]).toEqual([2, 4, -12, 4]);
    expect(result.gradientNorm).toBeCloseTo(Math.hypot(2, 4, -12, 4), 5);
    // The first step of Adam is the learning rate against the gradient's sign.
    [0.9, 1.9, -2.9, 3.9].forEach((expected, i) => {
      expect(store.parameter("w")[i]).toBeCloseTo(expected, 5);
    });
  });

  test("adds micro-batches up, and steps with their mean", async () => {
    const first = await engine.train("quadratic", { x: Float32Array.of(1, 0, 0, 1) }, { kind: "accumulate" });
    expect(first.gradientNorm).toBeUndefined();
    expect([...store.parameter("w")]).toEqual([1, 2, -3, 4]);
    const update = { ...step, gradientScale: 0.5, fromAccumulator: true };
    const second = await engine.train("quadratic", { x: Float32Array.of(0, 1, 0, 1) }, update);
    expect(second.gradientNorm).toBeCloseTo(Math.hypot(1, 2, 0, 8), 5);
    expect([...store.accumulator("w")]).toEqual([0, 0, 0, 0]);
    // No gradient, no step.
    expect(store.parameter("w")[2]).toBe(-3);
  });

  test("holds gradients back for whoever adds them up, and then steps with the sums", async () => {
    const held = await engine.train("quadratic", { x: Float32Array.of(1, 1, 2, 0.5) }, { kind: "hold" });
    expect(held).toMatchObject({ loss: 1 + 4 + 18 + 8, states: {} });
    expect([...store.gradient("w")]).toEqual([2, 4, -12, 4]);
    expect([...store.accumulator("w"), ...store.firstMoment("w")]).toEqual(new Array(8).fill(0));
    expect([...store.parameter("w")]).toEqual([1, 2, -3, 4]);
    store.accumulator("w").set([4, 0, 0, -3]);
    const { gradientNorm } = await engine.step({ lr: 0.1, stepIndex: 1, gradientScale: 0.5, fromAccumulator: true });
    expect(gradientNorm).toBeCloseTo(2.5, 5);
    expect([...store.accumulator("w")]).toEqual([0, 0, 0, 0]);
    [0.9, 2, -3, 4.1].forEach((expected, i) => {
      expect(store.parameter("w")[i]).toBeCloseTo(expected, 5);
    });
  });

  test.each([Number.NaN, Infinity])(
    "leaves parameters and moments alone when the loss is not finite (%d)",
    async (value) => {
      const result = await engine.train("quadratic", { x: Float32Array.of(1, value, 1, 1) }, step);
      expect(result.gradientNorm).toBeUndefined();
      expect([...store.parameter("w")]).toEqual([1, 2, -3, 4]);
      expect([...store.firstMoment("w"), ...store.secondMoment("w")]).toEqual(new Array(8).fill(0));
    },
  );

  test("passes named errors on whole: a gradient norm that overflows under a finite loss", async () => {
    const before = [...store.parameter("w")];
    const update = { ...step, clipNorm: 1, gradientScale: Number.MAX_VALUE };
    const failure = engine.train("quadratic", { x: Float32Array.of(1, 1, 1, 1) }, update);
    await expect(failure).rejects.toMatchObject({ code: "NonFiniteLoss", parts: { where: "AdamW" } });
    await expect(failure).rejects.toBeInstanceOf(MsmaeError);
    expect([...store.parameter("w")]).toEqual(before);
  });

  test("runs requests in order, refuses what is not loaded or not fed, and goes on after", async () => {
    const x = () => Float32Array.of(1, 1, 1, 1);
    await expect(engine.run("absent", {})).rejects.toMatchObject({ code: "Config", parts: { got: '"absent"' } });
    await expect(engine.run("quadratic", {})).rejects.toMatchObject({ code: "Shape" });
    await expect(engine.run("quadratic", { x: Float32Array.of(1) })).rejects.toThrow(
      /"x": expected float32 \[4\], got Float32Array of 1/,
    );
    const [, after] = await Promise.all([
      engine.train("quadratic", { x: x() }, step),
      engine.run("quadratic", { x: x() }),
    ]);
    const expected = store.parameter("w").reduce((sum, w) => sum + w * w, 0);
    expect(after.loss?.[0]).toBeCloseTo(expected, 4);
    await engine.unload("quadratic");
    await expect(engine.run("quadratic", { x: x() })).rejects.toMatchObject({ code: "Config" });
  });

  test("takes the feeds, so that nothing is copied", async () => {
    const x = Float32Array.of(1, 1, 1, 1);
    await engine.run("quadratic", { x });
    expect(x.length).toBe(0);
  });

  test("refuses work after it was closed", async () => {
    await engine.close();
    await expect(engine.run("quadratic", {})).rejects.toThrow(/closed/);
  });
});

test("an engine that cannot start says why, and leaves no thread behind", async () => {
  const store = ParameterStore.create([{ name: "w", shape: [4], role: "trainable" }]);
  await expect(openEngine({ store, optimizer: { beta1: 2 } })).rejects.toMatchObject({
    code: "Config",
    parts: { where: "AdamW beta1" },
  });
});

describe("feeds", () => {
  const config = {
    inputHeight: 4,
    inputWidth: 6,
    patchSize: 2,
    inChans: 3,
    embedDim: 8,
    depth: 1,
    numHeads: 2,
    mlpRatio: 2,
    numClasses: 3,
  };
  const shape = { height: 4, width: 6, channels: 3, patchSize: 2 };
  const normalizer = new Normalizer(3, { mean: [0.1, 0.2, 0.3], std: [0.5, 0.6, 0.7] });
  const builder = new FeedBuilder(config, normalizer);
  const images = Uint8Array.from({ length: 2 * 72 }, (_, i) => (i * 37) % 256);
  const planes = (b: number): Float32Array => {
    const out = new Float32Array(72);
    normalizer.normalize(images.subarray(b * 72, (b + 1) * 72), out);
    return out;
  };
  const rows = (
    patches: number[][],
    order: "channel-row-column" | "row-column-channel",
    batch: number,
  ): Float32Array => {
    const into = new Float32Array((patches[0]?.length ?? 0) * batch * 12);
    patches.forEach((indices, b) => {
      gatherPatches(planes(b), shape, indices, order, into, { batch, b });
    });
    return into;
  };
  const selections = [
    { kept: Uint32Array.of(5, 0), masked: Uint32Array.of(1, 2, 3), thrown: Uint32Array.of(4) },
    { kept: Uint32Array.of(3, 2), masked: Uint32Array.of(0, 5, 4), thrown: Uint32Array.of(1) },
  ];

  test("of whole images hold every patch in order; a batch that is not full is filled with zeros", () => {
    const all = [0, 1, 2, 3, 4, 5];
    expect(builder.whole(images, 2)).toEqual({ patches: rows([all, all], "channel-row-column", 2) });
    expect(builder.whole(images, 3)).toEqual({ patches: rows([all, all], "channel-row-column", 3) });
  });

  test("of kept patches hold those and their places", () => {
    const { patches, positions } = builder.kept(images, selections);
    expect(patches).toEqual(
      rows(
        [
          [5, 0],
          [3, 2],
        ],
        "channel-row-column",
        2,
      ),
    );
    expect(positions).toEqual(BigInt64Array.of(6n, 4n, 1n, 3n));
  });

  test.each([false, true])(
    "of a reconstruction hold targets with channels innermost, normalised per patch: %s",
    (normPixLoss) => {
      const feeds = builder.reconstruction(images, selections, normPixLoss);
      const targets = rows(
        [
          [1, 2, 3],
          [0, 5, 4],
        ],
        "row-column-channel",
        2,
      );
      if (normPixLoss) normalizePatches(targets, 12);
      expect(feeds.targets).toEqual(targets);
      expect(feeds.maskPositions).toEqual(BigInt64Array.of(2n, 1n, 3n, 6n, 4n, 5n));
      expect(feeds.patches).toEqual(builder.kept(images, selections).patches);
    },
  );

  test("pixels that were not measured whole have no part in normalised targets, and are their patch's mean", () => {
    const area = images.length / 2 / 3;
    // Of the second image, every other pixel.
    const coverage = Uint8Array.from({ length: area }, (_, i) => (i % 2 === 0 ? 255 : 254));
    const plain = builder.reconstruction(images, selections, true).targets as Float32Array;
    const targets = builder.reconstruction(images, selections, true, [undefined, coverage]).targets as Float32Array;
    const raw = builder.reconstruction(images, selections, false, [undefined, coverage]).targets as Float32Array;
    for (let row = 0; row < targets.length / 12; row++) {
      const own = targets.subarray(row * 12, row * 12 + 12);
      if (row % 2 === 0) expect(own).toEqual(plain.subarray(row * 12, row * 12 + 12));
      else {
        const measured = raw.subarray(row * 12, row * 12 + 12).filter((_, i) => Math.floor(i / 3) % 2 === 0);
        normalizePatches(measured, 6);
        const expected = Array.from({ length: 12 }, (_, i) => {
          const pixel = Math.floor(i / 3);
          return pixel % 2 === 0 ? measured[(pixel / 2) * 3 + (i % 3)] : 0;
        });
        expect([...own]).toEqual(expected);
      }
    }
  });

  test("class targets are one-hot, smoothed evenly over all classes", () => {
    expect([...classTargets([1, 0], 3)]).toEqual([0, 1, 0, 1, 0, 0]);
    [0.1, 0.1, 0.8, 0.1, 0.8, 0.1].forEach((expected, i) => {
      expect(classTargets([2, 1], 3, 0.3)[i]).toBeCloseTo(expected, 6);
    });
  });
});
