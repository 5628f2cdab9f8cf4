import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StoredTensor } from "../../src/interop/safetensors.ts";
import { readSafetensorsFile } from "../../src/interop/safetensors-file.ts";
import { toFloat64 } from "../../src/interop/tensor-values.ts";
import type { GoldenDtype } from "../tolerances.ts";

/** `index.json`: the configuration of every case, by name. */
export type GoldenIndex = Readonly<Record<string, unknown>>;

export function readJson<T>(folder: string, file: string): T {
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as T;
}

/**
 * What numbers of a JSON file were stored in before: fp32 when all of them are fp32 values and at least one shows it by
 * having more digits than a short decimal, as 0.02857142873108387 has. Zeros, halves and the like are of either dtype,
 * and count as float64, which is the stricter.
 */
export function dtypeOfNumbers(numbers: readonly number[]): GoldenDtype {
  const digits = (value: number) => value.toExponential().replace(/e.*|\D/g, "").length;
  return numbers.every((value) => Math.fround(value) === value) && numbers.some((value) => digits(value) > 9)
    ? "float32"
    : "float64";
}

/** A golden file. It remembers which tensors were asked for, so that none is forgotten silently. */
export class GoldenFile {
  readonly #path: string;
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #unused: Set<string>;

  private constructor(path: string, tensors: ReadonlyMap<string, StoredTensor>) {
    this.#path = path;
    this.#tensors = tensors;
    this.#unused = new Set(tensors.keys());
  }

  static async read(path: string): Promise<GoldenFile> {
    return new GoldenFile(path, (await readSafetensorsFile(path)).tensors);
  }

  get names(): string[] {
    return [...this.#tensors.keys()];
  }

  /** Names of the tensors that were never read. */
  get unused(): string[] {
    return [...this.#unused];
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  shape(name: string): readonly number[] {
    return this.#tensor(name).shape;
  }

  dtype(name: string): GoldenDtype {
    return this.#tensor(name).dtype === "F64" ? "float64" : "float32";
  }

  /** The values in float64, which holds every stored type exactly. */
  values(name: string): Float64Array {
    const tensor = this.#tensor(name);
    this.#unused.delete(name);
    return toFloat64(tensor);
  }

  /** The bytes of a uint8 tensor. */
  bytes(name: string): Uint8Array {
    const { dtype, bytes } = this.#tensor(name);
    if (dtype !== "U8") throw new Error(`${this.#path}: "${name}" is ${dtype}, not U8`);
    this.#unused.delete(name);
    return bytes;
  }

  /** The rows of a tensor along its first axis. */
  rows(name: string): Float64Array[] {
    const values = this.values(name);
    const count = this.shape(name)[0] as number;
    const size = values.length / count;
    return Array.from({ length: count }, (_, row) => values.subarray(row * size, (row + 1) * size));
  }

  /** What follows `prefix` in the names that begin with it. */
  namesUnder(prefix: string): string[] {
    return this.names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  }

  #tensor(name: string): StoredTensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new Error(`${this.#path}: no tensor "${name}"`);
    return tensor;
  }
}
