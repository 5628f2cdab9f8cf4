import { DeviceAdamW } from "../device/device-adamw.ts";
import { DeviceStore } from "../device/device-store.ts";
import type { DeviceBackend } from "../device/transfer.ts";
import { storeOutputKey } from "../graph/output-names.ts";
import type { TensorType } from "../graph/types.ts";
import type { OptimizerStep } from "../optim/step-options.ts";
import type { Arena, ParameterStore } from "../parameters/parameter-store.ts";
import type { CompiledGraph } from "../runtime/program.ts";
import { hostTensor, type ProgramBinding, stateOutputs } from "../runtime/program-binding.ts";
import type { Backend, DeviceTensor, SessionOptions } from "../runtime/session.ts";
import type { OptimizerSetup } from "./setup.ts";
import type { TensorHome } from "./tensor-home.ts";

/** Tensors on the device that runs the graphs, stepped there by graphs of their own. */
export class DeviceHome implements TensorHome {
  readonly #store: ParameterStore;
  readonly #device: DeviceStore;
  readonly #optimizer: DeviceAdamW | undefined;
  /** What programs read and write. */
  readonly #needed = new Set<Arena>(["parameter"]);

  private constructor(store: ParameterStore, device: DeviceStore, optimizer: DeviceAdamW | undefined) {
    this.#store = store;
    this.#device = device;
    this.#optimizer = optimizer;
  }

  /** @throws MsmaeError Config for settings out of range; Device where the device does not start. */
  static async open(
    backend: Backend,
    options: SessionOptions,
    store: ParameterStore,
    setup: OptimizerSetup | undefined,
  ): Promise<DeviceHome> {
    if (!keepsTensors(backend)) throw new Error(`no tensors are kept on ${options.provider}`);
    if (setup?.rule === "lars") throw new Error("LARS steps on the host");
    const device = await DeviceStore.open(backend, options, store);
    const parts = { backend, options, store, device };
    const optimizer = setup && new DeviceAdamW({ ...parts, groups: new Map(setup.groups), settings: setup });
    return new DeviceHome(store, device, optimizer);
  }

  bind(graph: CompiledGraph): ProgramBinding {
    const device = this.#device;
    const inputs = Object.entries(graph.inputs).filter(([name]) => this.#store.has(name));
    for (const [name, type] of inputs) checkFits(name, type, this.#store.parameter(name));
    const gradients = Object.entries(graph.outputs).flatMap(([output, type]): [string, string][] => {
      const name = storeOutputKey("gradient", output);
      if (name === undefined) return [];
      checkFits(output, type, this.#store.gradient(name));
      return [[output, name]];
    });
    if (gradients.length > 0) this.#needed.add("gradient");
    const states = stateOutputs(graph);
    for (const [output, name] of states) {
      checkFits(output, graph.outputs[output] as TensorType, this.#store.state(name));
    }
    return {
      get inputs() {
        return tensorsAt(inputs.map(([name]) => [name, device.parameter(name)]));
      },
      get outputs() {
        return tensorsAt([
          ...gradients.map(([output, name]): [string, DeviceTensor] => [output, device.gradient(name)]),
          ...states.map(([output, name]): [string, DeviceTensor] => [output, device.nextState(name)]),
        ]);
      },
      commitState: () => device.commitStates(states.map(([, name]) => name)),
      nextStates() {
        throw new Error("next states stay on the device");
      },
    };
  }

  prepare(): Promise<void> {
    return this.#device.bring([...this.#needed]);
  }

  accumulate(): Promise<void> {
    return this.#stepper().accumulate();
  }

  step(options: OptimizerStep): Promise<{ gradientNorm: number }> {
    return this.#stepper().step(options);
  }

  collect(): Promise<void> {
    return this.#device.collect();
  }

  async close(): Promise<void> {
    await this.#optimizer?.release();
    await this.#device.release();
  }

  #stepper(): DeviceAdamW {
    if (this.#optimizer) return this.#optimizer;
    throw new Error("this engine has no optimiser");
  }
}

function keepsTensors(backend: Backend): backend is DeviceBackend {
  return backend.createDeviceSession !== undefined;
}

/** What stands on the device has the shape of the store's own values. */
function checkFits(name: string, type: TensorType, own: Float32Array): void {
  hostTensor(`parameter store, "${name}"`, type, own);
}

function tensorsAt(entries: readonly [string, DeviceTensor][]): Record<string, DeviceTensor> {
  return Object.fromEntries(entries);
}
