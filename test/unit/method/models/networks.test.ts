import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { storeOutputName } from "../../../../src/engine/graph/output-names.ts";
import { sizeOf } from "../../../../src/engine/graph/shape.ts";
import { parameterGroups } from "../../../../src/engine/optim/parameter-groups.ts";
import type { ParameterSpec } from "../../../../src/engine/parameters/specs.ts";
import { readSafetensorsFile } from "../../../../src/interop/safetensors-file.ts";
import type { NetworkKind } from "../../../../src/method/kinds/network.ts";
import { networkKindOf } from "../../../../src/method/kinds/networks.ts";
import { modelShape } from "../../../../src/method/kinds/shape.ts";
import type { ImageModelConfig } from "../../../../src/method/models/config.ts";
import { type Network, networkGraph, networkTrainingGraph } from "../../../../src/method/models/network.ts";
import { type ResNetPreset, resnet } from "../../../../src/method/models/resnet.ts";
import { type SwinPreset, swin, swinPresets } from "../../../../src/method/models/swin.ts";
import { CpuEngine, type Engine, type Feeds, Float64Engine } from "../../../parity/engines.ts";
import { GoldenFile } from "../../../parity/goldens.ts";
import { Comparison } from "../../../parity/harness.ts";
import { compare } from "../../../parity/model-case.ts";
import { compareAfterSteps } from "../../../parity/optim.ts";
import { wholeFeeds } from "../../../parity/tokens.ts";
import { evaluate, parameterValues, randomInputs, relativeError } from "../../../support/micro-graphs.ts";
import { afterAdamW, gradients, outputs, type Table } from "../../../tolerances.ts";

const STEPS = 3;

/** A case that bench/peers/network_reference.py wrote. */
async function readCase<P>(name: string) {
  const path = join(import.meta.dirname, "fixtures", `${name}.safetensors`);
  const golden = await GoldenFile.read(path);
  const { metadata } = await readSafetensorsFile(path, { keep: () => false });
  const { size, ...preset } = JSON.parse(metadata.config as string) as { size: [number, number] } & P;
  const [inputHeight, inputWidth] = size;
  const [batch, inChans] = golden.shape("input/images") as [number, number];
  const numClasses = golden.shape("input/targets")[1] as number;
  const adamw = JSON.parse(metadata.adamw as string) as {
    lr: number;
    betas: [number, number];
    eps: number;
    weightDecay: number;
  };
  return { golden, adamw, batch, config: { ...preset, inputHeight, inputWidth, inChans, numClasses } };
}

type Case<C> = Omit<Awaited<ReturnType<typeof readCase>>, "config"> & { config: C };

/** A training step, what three of AdamW make of the weights and the statistics, and evaluation by those. */
async function follow<C extends ImageModelConfig>(
  network: Network<C>,
  { golden, adamw, batch, config }: Case<C>,
  { engine, specs, feeds }: { engine: Engine; specs: ParameterSpec[]; feeds: Feeds },
): Promise<void> {
  const run = { golden, out: new Comparison("network") };
  const check = (quantity: string, got: ArrayLike<number>, table: Table) =>
    compare(run, quantity, engine.executor, got, table);
  const start = ({ name, shape: [length], init }: ParameterSpec) =>
    golden.has(`param/${name}`)
      ? golden.values(`param/${name}`)
      : new Float64Array(length as number).fill(init.kind === "ones" ? 1 : 0);
  engine.reset(new Map(specs.map((spec) => [spec.name, start(spec)])));
  const trainable = specs.filter(({ role }) => role === "trainable");
  const training = networkTrainingGraph(network, config, { batch });
  const { lr, betas, eps, weightDecay } = adamw;
  const groups = parameterGroups(trainable, {
    weightDecay,
    decays: (name) => !name.endsWith("relative_position_bias_table"),
  });
  const step = engine.adamw({ groups, beta1: betas[0], beta2: betas[1], eps, clipNorm: undefined });
  for (let index = 0; index < STEPS; index++) {
    const results = await engine.run(training, {
      ...feeds,
      classTargets: engine.floats(golden.values("input/targets")),
    });
    if (index === 0) {
      for (const name of ["loss", "logits"]) check(name, results(name), outputs);
      for (const { name } of trainable) {
        check(`grad/${name}`, results(storeOutputName("gradient", name)), gradients);
      }
    }
    step(lr, index + 1);
    if (index === 0) {
      for (const name of golden.namesUnder("state/")) check(`state/${name}`, engine.parameter(name), outputs);
    }
  }
  for (const { name } of specs) {
    compareAfterSteps(run, engine, { quantity: `after3/${name}`, name, path: STEPS * lr });
  }
  const told = await engine.run(networkGraph(network, config, batch), feeds);
  check("eval/logits", told("logits"), afterAdamW);
  expect(run.out.rows.length).toBeGreaterThan(2 * trainable.length);
  expect(run.out.rows.filter(({ ok }) => !ok)).toEqual([]);
  expect(golden.unused).toEqual([]);
}

describe.each(["float64", "cpu"] as const)("on %s", (executor) => {
  const engineOf = (specs: ParameterSpec[]) =>
    executor === "float64" ? new Float64Engine(specs) : new CpuEngine(specs);

  test("a ResNet equals torchvision's in training, after steps of AdamW and in evaluation", async () => {
    const given = await readCase<ResNetPreset>("resnet");
    const specs = resnet.specs(given.config);
    const engine = engineOf(specs);
    try {
      const feeds = { images: engine.floats(given.golden.values("input/images")) };
      await follow(resnet, given, { engine, specs, feeds });
    } finally {
      await engine.close();
    }
  });

  test("a Swin Transformer equals timm's, where windows fit and where they do not", async () => {
    const given = await readCase<SwinPreset>("swin");
    const specs = swin.specs(given.config);
    const engine = engineOf(specs);
    try {
      const feeds = wholeFeeds(engine, given.config, given.golden.rows("input/images"));
      await follow(swin, given, { engine, specs, feeds });
    } finally {
      await engine.close();
    }
  });
});

test.each([
  ["resnet18", 11_689_512],
  ["swin_tiny_patch4_window7", 28_288_354],
])("%s has the published number of weights, %d with 1,000 classes", (model, weights) => {
  const kind = networkKindOf(model) as NetworkKind;
  const inputSize = { height: 224, width: 224 };
  const specs = kind.specs(modelShape(kind, { model, inputSize, patchSize: 4, inChans: 3, numClasses: 1000 }));
  const trainable = specs.filter(({ role }) => role === "trainable");
  expect(trainable.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(weights);
});

test("a Swin Transformer skips the branches of blocks for single images, and scales those that it keeps", () => {
  const config = { depths: [1, 2], numHeads: [1, 2], embedDim: 4, windowSize: 2 };
  const shape = { ...config, patchSize: 1, mlpRatio: 1, inputHeight: 4, inputWidth: 4, inChans: 1, numClasses: 2 };
  const values = parameterValues(swin.specs(shape));
  const classTargets = Float64Array.of(1, 0, 0, 1);
  const dropping = networkTrainingGraph(swin, shape, { batch: 2, dropPathRates: [0, 0.25, 0.5] });
  const patches = randomInputs(dropping, { ...values, classTargets, dropPath: 0 }).patches as Float64Array;
  const logits = (dropPath: number[]) =>
    evaluate(dropping, { ...values, patches, classTargets, dropPath: Float64Array.from(dropPath) }, "logits");
  const plain = evaluate(networkGraph(swin, shape, 2), { ...values, patches }, "logits");
  const ones = new Array<number>(12).fill(1);
  expect(relativeError(logits(ones), plain)).toBeLessThan(1e-14);
  // The first block has rate 0: its factors say nothing. Of the others only the first image's are changed.
  for (const at of [4, 6, 8, 10]) {
    const changed = logits(ones.with(at, 0));
    expect(changed[0], `factor ${at}`).not.toBeCloseTo(plain[0] as number, 6);
    expect([...changed.subarray(2)]).toEqual([...logits(ones).subarray(2)]);
  }
  expect(logits(ones.with(0, 0))).toEqual(logits(ones));
});

test("heads that do not divide a stage's width are refused", () => {
  const shape = {
    ...(swinPresets.swin_micro_patch4_window7 as SwinPreset),
    inputHeight: 8,
    inputWidth: 8,
    inChans: 1,
    numClasses: 2,
  };
  expect(() => swin.specs({ ...shape, numHeads: [5, 4, 8] })).toThrow(
    /heads for each stage .* got embedDim 24, numHeads \[5, 4, 8\]/,
  );
  expect(() => swin.specs({ ...shape, numHeads: [2, 4] })).toThrow(/of 3 stages/);
});
