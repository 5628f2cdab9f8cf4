// AdamW on a device beside the float64 reference and the host's; prints the largest differences as JSON. A process of its
// own, because a missing adapter may end it: node run-device-adamw.ts <provider>
import { DeviceAdamW } from "../../src/engine/device/device-adamw.ts";
import { DeviceStore } from "../../src/engine/device/device-store.ts";
import { type DeviceBackend, Transfer } from "../../src/engine/device/transfer.ts";
import type { Provider } from "../../src/engine/onnx/operators.ts";
import { AdamW } from "../../src/engine/optim/adamw.ts";
import { clipCoefficient } from "../../src/engine/optim/clip.ts";
import type { ParameterGroup } from "../../src/engine/optim/parameter-groups.ts";
import { startEma } from "../../src/engine/parameters/ema.ts";
import type { ParameterStore } from "../../src/engine/parameters/parameter-store.ts";
import { nodeBackend } from "../../src/engine/runtime/node-backend.ts";
import { adamwReference, globalNorm } from "./adamw-reference.ts";
import { drawGradients, filledStore, largestDifference } from "./optimizer-stores.ts";

const provider = process.argv[2] as Provider;
const backend = nodeBackend as DeviceBackend;
const options = { provider, threads: 1 };
const settings = { beta1: 0.9, beta2: 0.95, eps: 1e-8 };
const groups = new Map<string, ParameterGroup>([
  ["small", { lrScale: 1, weightDecay: 0 }],
  ["large", { lrScale: 0.5, weightDecay: 0.05 }],
  ["odd", { lrScale: 0.75, weightDecay: 0.2, l2: 0.3 }],
]);
const kept = { accumulate: true, ema: true };

/** A store, what the device holds of it, and both optimisers over it. */
async function opened(store: ParameterStore) {
  const device = await DeviceStore.open(backend, options, store);
  await device.bring(["parameter", "gradient"]);
  return { store, device, adamw: new DeviceAdamW({ backend, options, store, device, groups, settings }) };
}

/** Puts the store's gradients where a training graph would leave them on the device. */
async function giveGradients({ store, device }: Awaited<ReturnType<typeof opened>>): Promise<void> {
  const shapes = new Map(store.trainableNames.map((name) => [name, store.shapeOf(name)]));
  const transfer = await Transfer.open(backend, options, shapes);
  const into = new Map(store.trainableNames.map((name) => [name, device.gradient(name)]));
  await transfer.upload((name) => store.gradient(name), into);
  await transfer.release();
}

const onDevice = await opened(filledStore(kept));
const host = filledStore(kept);
const onHost = new AdamW(host, groups, settings);
for (const store of [onDevice.store, host]) startEma(store);
const reference = new Map(
  host.trainableNames.map((name) => {
    const parameter = Float64Array.from(host.parameter(name));
    const zeros = () => new Float64Array(parameter.length);
    const tensor = { parameter, gradient: zeros(), firstMoment: zeros(), secondMoment: zeros() };
    return [name, { ...tensor, ema: parameter.slice() }];
  }),
);
const norms: number[] = [];
const steps = 6;
const batches = 2;
for (let stepIndex = 1; stepIndex <= steps; stepIndex++) {
  // Every other step has two micro-batches, and every third is not clipped.
  const fromAccumulator = stepIndex % 2 === 0;
  const clipNorm = stepIndex % 3 === 0 ? undefined : 0.7;
  const step = { lr: 0.01 / stepIndex, stepIndex, gradientScale: 0.5, clipNorm, emaDecay: 0.9, fromAccumulator };
  for (const tensor of reference.values()) tensor.gradient.fill(0);
  for (let batch = 0; batch < (fromAccumulator ? batches : 1); batch++) {
    for (const store of [onDevice.store, host]) drawGradients(store, batches * stepIndex + batch);
    await giveGradients(onDevice);
    for (const [name, { gradient }] of reference) {
      for (const [i, value] of host.gradient(name).entries()) gradient[i] = (gradient[i] as number) + 0.5 * value;
    }
    if (!fromAccumulator) continue;
    await onDevice.adamw.accumulate();
    onHost.accumulate();
  }
  const [{ gradientNorm }, own] = [await onDevice.adamw.step(step), onHost.step(step)];
  const norm = globalNorm([...reference.values()].map(({ gradient }) => gradient));
  norms.push(Math.abs(gradientNorm / norm - 1), Math.abs(own.gradientNorm / norm - 1));
  const gradientScale = clipNorm === undefined ? 1 : clipCoefficient(norm, clipNorm);
  for (const [name, tensor] of reference) {
    const { lrScale, ...decay } = groups.get(name) as ParameterGroup;
    adamwReference(tensor, { ...settings, lr: step.lr * lrScale, ...decay, stepIndex, gradientScale });
    for (const [i, value] of tensor.ema.entries()) {
      tensor.ema[i] = value + 0.1 * ((tensor.parameter[i] as number) - value);
    }
  }
}
const before = [...onDevice.store.parameter("small")];
await onDevice.device.collect();
const arenas = ["parameter", "firstMoment", "secondMoment", "ema"] as const;
const compare = (other: (arena: (typeof arenas)[number], name: string) => Float64Array) =>
  Object.fromEntries(
    arenas.map((arena) => [
      arena,
      Math.max(
        ...host.trainableNames.map((name) =>
          largestDifference(onDevice.store.quantity(arena, name), other(arena, name)),
        ),
      ),
    ]),
  );
const result = {
  norm: Math.max(...norms),
  reference: compare((arena, name) => (reference.get(name) as NonNullable<ReturnType<typeof reference.get>>)[arena]),
  host: compare((arena, name) => Float64Array.from(host.quantity(arena, name))),
  stayed: before.every((value, i) => value === filledStore().parameter("small")[i]),
  frozen: onDevice.store.parameter("frozen").every((value, i) => value === host.parameter("frozen")[i]),
};
onHost.close();
await onDevice.adamw.release();
await onDevice.device.release();
process.stdout.write(JSON.stringify(result), () => process.exit(0));
