import { MsmaeError } from "../../support/errors.ts";
import type { QuantizedCopy } from "../graph/quantized-names.ts";
import {
  type Arena,
  arenasOf,
  MAX_SEGMENT_BYTES,
  planSegments,
  type StoreLayout,
  type StoreOptions,
  type TensorPlace,
  type TensorRole,
  type TensorSpec,
} from "./store-layout.ts";

export type { Arena, StoreLayout, StoreOptions, TensorPlace, TensorRole, TensorSpec } from "./store-layout.ts";

/** What another thread needs to see the same tensors: it survives `postMessage` and `workerData`, nothing is copied. */
export interface StoreHandle {
  memories: WebAssembly.Memory[];
  layout: StoreLayout;
  /** int32 [1]: {@link ParameterStore.revision}. */
  revision: SharedArrayBuffer;
}

/**
 * Parameters, gradients, Adam moments and what else the optimiser keeps, float32, in flat shared WebAssembly memory.
 *
 * Each segment is one memory that never grows, so that views stay valid. In a segment the trainable tensors stand one
 * after another in an arena per quantity, at the same places in each and 64-byte aligned; the padding between them is
 * zero and stays so. Clipping, accumulation, EMA and all-reduce are therefore single passes over {@link flat}. Frozen
 * tensors, those that the optimiser leaves alone (fixed position tables, running statistics), have a value and nothing
 * else.
 */
export class ParameterStore {
  readonly #memories: readonly WebAssembly.Memory[];
  readonly #layout: StoreLayout;
  readonly #places: ReadonlyMap<string, TensorPlace>;
  readonly #revision: Int32Array<SharedArrayBuffer>;

  private constructor(handle: StoreHandle) {
    this.#memories = handle.memories;
    this.#revision = new Int32Array(handle.revision);
    this.#layout = handle.layout;
    this.#places = new Map(handle.layout.tensors.map((place) => [place.name, place]));
  }

  /**
   * Reserves memory for the tensors, all zero. The operating system commits a page when it is first written, so that
   * an arena nobody uses costs address space only.
   *
   * @throws MsmaeError "Config" for a repeated name, a dimension that is no positive whole number, a tensor that does
   * not fit one segment, or where the machine refuses the memory.
   */
  static create(specs: readonly TensorSpec[], options: StoreOptions = {}): ParameterStore {
    const limit = options.maxSegmentBytes ?? MAX_SEGMENT_BYTES;
    const layout = planSegments(specs, arenasOf(options), limit, options.quantized);
    const memories = layout.segments.map(({ pages }) => {
      try {
        return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
      } catch (cause) {
        throw new MsmaeError(
          "Config",
          {
            where: "parameter store",
            expected: `${pages * 65536} bytes of shared memory`,
            got: "a refusal",
            todo: "use a smaller model, or free memory",
          },
          { cause },
        );
      }
    });
    return new ParameterStore({ memories, layout, revision: new SharedArrayBuffer(4) });
  }

  /** The same tensors, in another thread. */
  static attach(handle: StoreHandle): ParameterStore {
    return new ParameterStore(handle);
  }

  /** What {@link ParameterStore.attach} needs in another thread. */
  handle(): StoreHandle {
    return { memories: [...this.#memories], layout: this.#layout, revision: this.#revision.buffer };
  }

  /** How often {@link ParameterStore.changed} was said, by any thread. */
  get revision(): number {
    return Atomics.load(this.#revision, 0);
  }

  /** Says that values were written from outside of the engine: one that holds them on a device takes them anew. */
  changed(): void {
    Atomics.add(this.#revision, 0, 1);
  }

  /** Every tensor's name, in the order of the specs. */
  get names(): string[] {
    return this.#layout.tensors.map(({ name }) => name);
  }

  /** The names of those that are trained, in the order of the specs. */
  get trainableNames(): string[] {
    return this.#layout.tensors.filter(({ role }) => role === "trainable").map(({ name }) => name);
  }

  /** The names of those of which copies in int8 are kept. */
  get quantizedNames(): ReadonlySet<string> {
    return new Set(this.#layout.tensors.filter(({ quantized }) => quantized).map(({ name }) => name));
  }

  /** The memories, one per segment. */
  get memories(): readonly WebAssembly.Memory[] {
    return this.#memories;
  }

  /** Whether there is a tensor of this name. */
  has(name: string): boolean {
    return this.#places.has(name);
  }

  /** Whether the store keeps this quantity, as asked at creation. */
  keeps(arena: Arena): boolean {
    return this.#layout.arenas.includes(arena);
  }

  /** A tensor's role. @throws MsmaeError "Config" for a name the store does not hold. */
  roleOf(name: string): TensorRole {
    return this.place(name).role;
  }

  /** A tensor's shape. @throws MsmaeError "Config" for a name the store does not hold. */
  shapeOf(name: string): readonly number[] {
    return this.place(name).shape;
  }

  /** The value of a tensor, trainable or frozen: a view, no copy. */
  parameter(name: string): Float32Array {
    const place = this.place(name);
    return place.role === "trainable"
      ? this.quantity("parameter", name)
      : this.#viewAt(place.segment, place.start, place.length);
  }

  /**
   * The value of a state tensor: a view, no copy.
   *
   * @throws MsmaeError "Config" for a tensor of another role.
   */
  state(name: string): Float32Array {
    const { role } = this.place(name);
    if (role !== "state") throw unknown(`state of "${name}"`, `a ${role} one`, "a state tensor");
    return this.parameter(name);
  }

  /** One quantity of a trainable tensor: a view, no copy. @throws MsmaeError "Config" for a tensor that has none. */
  quantity(arena: Arena, name: string): Float32Array {
    const place = this.place(name);
    if (place.role !== "trainable") {
      throw unknown(`${arena} of "${name}"`, `a ${place.role} one`, "a trainable tensor");
    }
    return this.#viewAt(place.segment, this.arenaStart(place.segment, arena) + place.start, place.length);
  }

  /** The gradient of the last run: a view, no copy. @throws MsmaeError "Config" for a tensor that is not trainable. */
  gradient(name: string): Float32Array {
    return this.quantity("gradient", name);
  }

  /** AdamW's moving average of the gradient. */
  firstMoment(name: string): Float32Array {
    return this.quantity("firstMoment", name);
  }

  /** AdamW's moving average of the squared gradient. */
  secondMoment(name: string): Float32Array {
    return this.quantity("secondMoment", name);
  }

  /** The sum of the gradients of the micro-batches since the last optimiser step. */
  accumulator(name: string): Float32Array {
    return this.quantity("accumulator", name);
  }

  /** The exponential moving average of a parameter. */
  ema(name: string): Float32Array {
    return this.quantity("ema", name);
  }

  /**
   * One of the copies in int8 of a weight [rows, columns], its scales, or the largest magnitudes of its columns: a view.
   * The optimiser renews them.
   *
   * @throws MsmaeError "Config" for a tensor of which none are kept.
   */
  quantized(name: string, copy: QuantizedCopy | "columnMaxima"): Int8Array | Float32Array {
    const { segment, length, quantized, shape } = this.place(name);
    if (quantized === undefined) throw unknown(`int8 copies of "${name}"`, "none", "a tensor kept in int8");
    const [rows, columns] = shape as [number, number];
    if (copy === "rowScales") return this.#viewAt(segment, quantized.rowScales, rows);
    if (copy === "columnScales" || copy === "columnMaxima") return this.#viewAt(segment, quantized[copy], columns);
    return new Int8Array(this.#memoryOf(segment).buffer, quantized[copy], length);
  }

  /** One quantity of all trainable tensors, padding included: one view per segment that has any. */
  flat(arena: Arena): Float32Array[] {
    this.#requireArena(arena);
    return this.#layout.segments.flatMap(({ trainableElements }, segment) =>
      trainableElements === 0 ? [] : [this.#viewAt(segment, this.arenaStart(segment, arena), trainableElements)],
    );
  }

  /** Where an arena starts in its segment's memory, in bytes. */
  arenaStart(segment: number, arena: Arena): number {
    this.#requireArena(arena);
    const start = this.#layout.segments[segment]?.arenaStarts[arena];
    if (start === undefined) throw unknown("parameter store", `segment ${segment}`, "a segment that exists");
    return start;
  }

  /**
   * Where a tensor stands.
   *
   * @throws MsmaeError "Config" for a name the store does not hold.
   */
  place(name: string): TensorPlace {
    const place = this.#places.get(name);
    if (place === undefined) throw unknown("parameter store", `"${name}"`, "the name of a tensor in the store");
    return place;
  }

  #viewAt(segment: number, byteOffset: number, length: number): Float32Array {
    return new Float32Array(this.#memoryOf(segment).buffer, byteOffset, length);
  }

  #memoryOf(segment: number): WebAssembly.Memory {
    const memory = this.#memories[segment];
    if (memory === undefined) throw unknown("parameter store", `segment ${segment}`, "a segment that exists");
    return memory;
  }

  #requireArena(arena: Arena): void {
    if (!this.keeps(arena)) {
      throw unknown("parameter store", "none", `a store that keeps ${arena} values`);
    }
  }
}

function unknown(where: string, got: string, expected: string): MsmaeError {
  return new MsmaeError("Config", {
    where,
    expected,
    got,
    todo: "check the specs and options the store was created with",
  });
}
