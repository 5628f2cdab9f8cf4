import { MsmaeError } from "../../support/errors.ts";
import type { Shape } from "../graph/types.ts";
import type { Arena, ParameterStore } from "../parameters/parameter-store.ts";
import type { DeviceTensor, SessionOptions } from "../runtime/session.ts";
import { arenaInput, nextOutput } from "./adamw-graph.ts";
import { type DeviceBackend, Transfer } from "./transfer.ts";

/** Where the value of a state tensor stands, and where a run leaves the next one. */
interface StatePair {
  current: DeviceTensor;
  next: DeviceTensor;
}

type Tensors = ReadonlyMap<string, DeviceTensor>;

/**
 * What a {@link ParameterStore} holds, on a device. Values go there when they are first needed, and again when the store
 * says that it was changed; they come back when they are collected, and not before.
 */
export class DeviceStore {
  readonly #store: ParameterStore;
  /** Absent where there are no such tensors. */
  readonly #trainable: Transfer | undefined;
  readonly #frozen: Transfer | undefined;
  /** Quantities of the trainable tensors, by quantity. */
  readonly #arenas = new Map<Arena, Tensors>();
  readonly #fixed = new Map<string, DeviceTensor>();
  readonly #states = new Map<string, StatePair>();
  /** Which of them are as they should be, as of which revision of the store. */
  readonly #current = new Set<Arena>();
  #revision: number;
  /** What the device has that the store has not. */
  readonly #ahead = new Set<Arena>();

  private constructor(store: ParameterStore, trainable: Transfer | undefined, frozen: Transfer | undefined) {
    this.#store = store;
    this.#trainable = trainable;
    this.#frozen = frozen;
    this.#revision = store.revision;
  }

  static async open(backend: DeviceBackend, options: SessionOptions, store: ParameterStore): Promise<DeviceStore> {
    const transferOf = (names: readonly string[]): Promise<Transfer> | undefined => {
      const shapes = new Map(names.map((name): [string, Shape] => [name, store.shapeOf(name)]));
      return shapes.size > 0 ? Transfer.open(backend, options, shapes) : undefined;
    };
    const frozen = store.names.filter((name) => store.roleOf(name) !== "trainable");
    return new DeviceStore(store, await transferOf(store.trainableNames), await transferOf(frozen));
  }

  /**
   * Sees to it that quantities stand on the device, as the store has them or as steps have left them.
   *
   * @throws MsmaeError Config where the store was changed while the device held newer values, which would be lost.
   */
  async bring(arenas: readonly Arena[]): Promise<void> {
    const { revision } = this.#store;
    if (revision !== this.#revision) {
      if (this.#ahead.size > 0) throw lost();
      this.#revision = revision;
      this.#current.clear();
    }
    for (const arena of arenas) {
      if (this.#current.has(arena)) continue;
      if (arena === "parameter" && this.#frozen) await this.#bringFrozen(this.#frozen);
      if (this.#trainable) await this.#bringTrainable(this.#trainable, arena);
      this.#current.add(arena);
    }
  }

  /** The value of a tensor, whatever its role. */
  parameter(name: string): DeviceTensor {
    const frozen = this.#states.get(name)?.current ?? this.#fixed.get(name);
    return frozen ?? this.#tensor("parameter", name);
  }

  /** Where a training graph leaves the gradient of a tensor. */
  gradient(name: string): DeviceTensor {
    return this.#tensor("gradient", name);
  }

  /** Where a training graph leaves the next value of a state tensor. */
  nextState(name: string): DeviceTensor {
    const pair = this.#states.get(name);
    if (pair) return pair.next;
    throw new Error(`"${name}" is no state tensor on the device`);
  }

  /** Takes the next values of state tensors for theirs. */
  commitStates(names: readonly string[]): void {
    for (const name of names) {
      const { current, next } = this.#states.get(name) as StatePair;
      this.#states.set(name, { current: next, next: current });
    }
    if (names.length > 0) this.#ahead.add("parameter");
  }

  /** A quantity of all trainable tensors as a graph is fed it, in the place of another where `as` says so. */
  inputs(arena: Arena, as: Arena = arena): [string, DeviceTensor][] {
    return Array.from(this.#arenas.get(arena) as Tensors, ([name, tensor]) => [arenaInput(as, name), tensor]);
  }

  /** The same as a graph writes it. Its values are then newer than the store's. */
  outputs(arena: Arena): [string, DeviceTensor][] {
    this.#ahead.add(arena);
    return Array.from(this.#arenas.get(arena) as Tensors, ([name, tensor]) => [nextOutput(arena, name), tensor]);
  }

  /** Says that the values of a quantity count no more, so that they need not be collected. */
  drop(arena: Arena): void {
    this.#ahead.delete(arena);
  }

  /** Copies what is newer on the device into the store, which is as true as the device then. */
  async collect(): Promise<void> {
    for (const arena of this.#ahead) {
      const tensors = this.#arenas.get(arena);
      if (tensors) await this.#trainable?.download(tensors, this.#viewOf(arena));
      if (arena === "parameter" && this.#states.size > 0) {
        await this.#frozen?.download(this.#frozenTensors(), this.#viewOf(arena));
      }
    }
    this.#ahead.clear();
  }

  /** Gives back what it holds of the device. */
  async release(): Promise<void> {
    const held = [...this.#arenas.values()].flatMap((tensors) => [...tensors.values()]);
    const states = [...this.#states.values()].flatMap(({ current, next }) => [current, next]);
    for (const tensor of [...held, ...states, ...this.#fixed.values()]) tensor.release();
    await this.#trainable?.release();
    await this.#frozen?.release();
  }

  async #bringTrainable(transfer: Transfer, arena: Arena): Promise<void> {
    const held = this.#arenas.get(arena);
    if (!held) this.#arenas.set(arena, await transfer.make(this.#viewOf(arena)));
    // Gradients are written before they are read.
    else if (arena !== "gradient") await transfer.upload(this.#viewOf(arena), held);
  }

  async #bringFrozen(transfer: Transfer): Promise<void> {
    const view = this.#viewOf("parameter");
    if (this.#fixed.size + this.#states.size > 0) return transfer.upload(view, this.#frozenTensors());
    const made = await transfer.make(view);
    const next = await transfer.make(view);
    for (const [name, current] of made) {
      const other = next.get(name) as DeviceTensor;
      if (this.#store.roleOf(name) === "state") this.#states.set(name, { current, next: other });
      else {
        this.#fixed.set(name, current);
        other.release();
      }
    }
  }

  #frozenTensors(): Tensors {
    return new Map([...this.#fixed, ...Array.from(this.#states, ([name, { current }]) => [name, current] as const)]);
  }

  #viewOf(arena: Arena): (name: string) => Float32Array {
    return arena === "parameter" ? (name) => this.#store.parameter(name) : (name) => this.#store.quantity(arena, name);
  }

  #tensor(arena: Arena, name: string): DeviceTensor {
    const tensor = this.#arenas.get(arena)?.get(name);
    if (tensor) return tensor;
    throw new Error(`the device has no ${arena} of "${name}"`);
  }
}

function lost(): MsmaeError {
  return new MsmaeError("Config", {
    where: "parameter store",
    expected: "changes after what stands on the device was collected",
    got: "a change before it",
    todo: "await collect() of the engine before the store is written",
  });
}
