import type { Graph } from "../graph/graph.ts";
import { clipCoefficient } from "../optim/clip.ts";
import type { ParameterGroup } from "../optim/parameter-groups.ts";
import {
  type AdamWSettings,
  checkAdamW,
  checkArena,
  checkGroups,
  checkStep,
  finiteNorm,
  type OptimizerStep,
  type SettingCheck,
  settingCheck,
} from "../optim/step-options.ts";
import type { Arena, ParameterStore } from "../parameters/parameter-store.ts";
import { compile } from "../runtime/program.ts";
import type { DeviceTensor, HostTensor, Session, SessionOptions, SessionTensor } from "../runtime/session.ts";
import { accumulationGraph, adamwGraph, type SteppedTensor, squaresGraph, stepScalars } from "./adamw-graph.ts";
import type { DeviceStore } from "./device-store.ts";
import type { DeviceBackend } from "./transfer.ts";

/** What the optimiser steps with, and where. */
export interface DeviceAdamWParts {
  backend: DeviceBackend;
  options: SessionOptions;
  /** Whose layout `device` follows. */
  store: ParameterStore;
  device: DeviceStore;
  groups: ReadonlyMap<string, ParameterGroup>;
  settings: AdamWSettings;
}

/**
 * AdamW on a device, as graphs over a {@link DeviceStore}: parameters, gradients, moments, sums and averages are read and
 * written where they stand. A step uploads its few numbers and downloads the gradients' norm.
 */
export class DeviceAdamW {
  readonly #parts: DeviceAdamWParts;
  readonly #tensors: readonly SteppedTensor[];
  readonly #check: SettingCheck = settingCheck("AdamW");
  readonly #sessions = new Map<string, Promise<Session>>();
  /** Whether the sums have anything in them that counts. */
  #sumsCount = true;

  /** @throws MsmaeError "Config" for settings out of range, missing moments, or groups that do not fit the store. */
  constructor(parts: DeviceAdamWParts) {
    const { store, groups, settings } = parts;
    checkAdamW(settings);
    checkGroups(this.#check, groups, store);
    checkArena(this.#check, store, "gradient");
    checkArena(this.#check, store, "firstMoment");
    this.#parts = parts;
    this.#tensors = Array.from(groups, ([name, group]) => ({ name, shape: store.shapeOf(name), group }));
  }

  /** accumulator += gradient, for all trainable tensors. */
  async accumulate(): Promise<void> {
    const { device, store } = this.#parts;
    checkArena(this.#check, store, "accumulator");
    await device.bring(["accumulator"]);
    const session = await this.#session("accumulation", () => accumulationGraph(this.#tensors));
    const feeds = [...device.inputs("accumulator"), ...device.inputs("gradient")];
    const scalars = scalarFeeds({ kept: this.#sumsCount ? 1 : 0 });
    await session.run({ ...Object.fromEntries(feeds), ...scalars }, Object.fromEntries(device.outputs("accumulator")));
    this.#sumsCount = true;
  }

  /**
   * One update of all trainable tensors. Returns the global L2 norm of the scaled gradient before clipping.
   *
   * @throws MsmaeError "NonFiniteLoss" where that norm is not finite, before anything changes.
   */
  async step(options: OptimizerStep): Promise<{ gradientNorm: number }> {
    const { device, store, settings, groups } = this.#parts;
    checkStep(this.#check, store, options);
    const { clipNorm, emaDecay, fromAccumulator = false, gradientScale = 1 } = options;
    const averages = emaDecay === undefined ? [] : (["ema"] as const);
    const written: readonly Arena[] = ["parameter", "firstMoment", "secondMoment", ...averages];
    await device.bring(written);
    const gradients = device.inputs(fromAccumulator ? "accumulator" : "gradient", "gradient");
    const gradientNorm = finiteNorm("AdamW", await this.#squares(gradients), gradientScale);
    const scale = gradientScale * (clipNorm === undefined ? 1 : clipCoefficient(gradientNorm, clipNorm));
    const scalars = scalarFeeds(stepScalars(groups.values(), settings, options, scale));
    const ema = averages.length > 0;
    const session = await this.#session(`adamw ${ema}`, () => adamwGraph(this.#tensors, settings, { ema }));
    const read = written.flatMap((arena) => device.inputs(arena));
    const into = written.flatMap((arena) => device.outputs(arena));
    await session.run({ ...Object.fromEntries([...read, ...gradients]), ...scalars }, Object.fromEntries(into));
    if (fromAccumulator) {
      device.drop("accumulator");
      this.#sumsCount = false;
    }
    return { gradientNorm };
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
    this.#sessions.clear();
  }

  async #squares(gradients: readonly [string, DeviceTensor][]): Promise<number> {
    const session = await this.#session("squares", () => squaresGraph(this.#tensors));
    const { squares } = await session.run(Object.fromEntries(gradients), {});
    return Number((squares as HostTensor).data[0]);
  }

  #session(name: string, graphOf: () => Graph): Promise<Session> {
    const { backend, options } = this.#parts;
    const made = this.#sessions.get(name) ?? backend.createSession(compile(graphOf(), options.provider).model, options);
    this.#sessions.set(name, made);
    return made;
  }
}

/** Numbers as tensors of shape []. */
function scalarFeeds(scalars: Readonly<Record<string, number>>): Record<string, SessionTensor> {
  return Object.fromEntries(
    Object.entries(scalars).map(([name, value]): [string, HostTensor] => [
      name,
      { dtype: "float32", data: Float32Array.of(value), shape: [] },
    ]),
  );
}
