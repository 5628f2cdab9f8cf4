import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/**
 * The purposes that draw random numbers. Each has a stream of its own, so that one more draw for one purpose
 * never shifts another.
 */
export type StreamName =
  | "initialisation"
  | "order"
  | "crops"
  | "masks"
  | "roles"
  | "augment"
  | "elastic"
  | "drop-path"
  | "split"
  | "data-check"
  | "phantom"
  | "mixing"
  | "evaluation"
  | "bootstrap"
  | "embedding"
  | "calibration";

/** A seeded generator. */
export class RandomStream {
  readonly #generator: RandomGenerator;
  #spareNormal: number | undefined;

  private constructor(generator: RandomGenerator) {
    this.#generator = generator;
  }

  /**
   * The stream for one purpose. `key` places the stream further, for example at `[epoch, sample]`: streams of
   * different keys are independent, so that workers may draw in any order and still give the same values.
   */
  static for(seed: number, name: StreamName, ...key: number[]): RandomStream {
    const state = hash128(`${name}|${[seed, ...key].join(",")}`);
    return new RandomStream(xoroshiro128plusFromState(state));
  }

  /** Uniform in [0, 1) with 53 random bits. */
  uniform(): number {
    const high = this.#generator.next() >>> 5;
    const low = this.#generator.next() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  /** Uniform integer in [low, high], both ends included. */
  integer(low: number, high: number): number {
    return uniformInt(this.#generator, low, high);
  }

  /** Standard normal, by the polar method of Marsaglia. */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) {
        const factor = Math.sqrt((-2 * Math.log(s)) / s);
        this.#spareNormal = v * factor;
        return u * factor;
      }
    }
  }

  /**
   * A draw from Beta(alpha, alpha), in [0, 1]. The two gamma variates are compared as logarithms: small alphas give
   * variates far below the least positive number.
   */
  beta(alpha: number): number {
    const difference = this.#logGamma(alpha) - this.#logGamma(alpha);
    return 1 / (1 + Math.exp(-difference));
  }

  /** The logarithm of a gamma variate of scale 1. Source: Marsaglia & Tsang 2000, "A simple method". */
  #logGamma(shape: number): number {
    // A variate of a shape below 1 is one of shape + 1 times a power of a uniform variate.
    const boost = shape < 1 ? Math.log(1 - this.uniform()) / shape : 0;
    const d = (shape < 1 ? shape + 1 : shape) - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      if (Math.log(1 - this.uniform()) < 0.5 * x * x + d * (1 - v + Math.log(v))) return Math.log(d * v) + boost;
    }
  }

  /** A uniformly random order of 0..count-1 (Fisher-Yates). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last--) {
      const other = this.integer(0, last);
      const held = order[last] as number;
      order[last] = order[other] as number;
      order[other] = held;
    }
    return order;
  }
}

/** Four well-mixed 32-bit words of a text (four FNV-1a lanes with different bases, each finished as in MurmurHash3). */
function hash128(text: string): [number, number, number, number] {
  const lane = (basis: number): number => {
    let hash = basis;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) | 0;
  };
  return [lane(0x811c9dc5), lane(0x2b3a9f17), lane(0x6d2f5c83), lane(0x1f83d9ab)];
}
