import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { storeOutputName } from "../../../../src/engine/graph/output-names.ts";
import { parameterGroups } from "../../../../src/engine/optim/parameter-groups.ts";
import type { ParameterSpec } from "../../../../src/engine/parameters/specs.ts";
import { readSafetensorsFile } from "../../../../src/interop/safetensors-file.ts";
import type { ImageModelConfig } from "../../../../src/method/models/config.ts";
import { type Network, networkGraph, networkTrainingGraph } from "../../../../src/method/models/network.ts";
import { type ResNetPreset, resnet } from "../../../../src/method/models/resnet.ts";
import { CpuEngine, type Engine, type Feeds, Float64Engine } from "../../../parity/engines.ts";
import { GoldenFile } from "../../../parity/goldens.ts";
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

/** Every element, relative to the largest of its tensor unless told otherwise. */
function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, relative: number, quantity: string): void {
  expect(got.length, quantity).toBe(expected.length);
  const largest = Math.max(...Array.from(expected, Math.abs));
  const worst = Math.max(...Array.from(expected, (value, i) => Math.abs((got[i] as number) - value)));
  expect(worst / largest, quantity).toBeLessThanOrEqual(relative);
}

type Case<C> = Omit<Awaited<ReturnType<typeof readCase>>, "config"> & { config: C };

/** A training step, what three of AdamW make of the weights and the statistics, and evaluation by those. */
async function follow<C extends ImageModelConfig>(
  network: Network<C>,
  { golden, adamw, batch, config }: Case<C>,
  { engine, specs, feeds }: { engine: Engine; specs: ParameterSpec[]; feeds: Feeds },
): Promise<void> {
  const compare = (quantity: string, got: ArrayLike<number>, table: Table, expected = golden.values(quantity)) =>
    expectClose(got, expected, table.float64[engine.executor].relative, quantity);
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
      for (const name of ["loss", "logits"]) compare(name, results(name), outputs);
      for (const { name } of trainable) {
        compare(`grad/${name}`, results(storeOutputName("gradient", name)), gradients);
      }
    }
    step(lr, index + 1);
    if (index === 0) {
      for (const name of golden.namesUnder("state/")) compare(`state/${name}`, engine.parameter(name), outputs);
    }
  }
  for (const { name } of specs) compare(`after3/${name}`, engine.parameter(name), afterAdamW);
  const told = await engine.run(networkGraph(network, config, batch), feeds);
  compare("eval/logits", told("logits"), afterAdamW);
  expect(golden.unused.filter((name) => name !== "input/images")).toEqual([]);
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
});
