import { MsmaeError } from "../../support/errors.ts";

/**
 * What becomes of a tensor in training. `trainable`: the optimiser steps it along its gradient. `fixed`: nothing.
 * `state`: the graph itself says its next value, as running statistics need.
 */
export type TensorRole = "trainable" | "fixed" | "state";

/** A tensor to keep. One that is not trainable has a value and nothing else. */
export interface TensorSpec {
  name: string;
  shape: readonly number[];
  role: TensorRole;
}

/** A quantity kept once per trainable tensor. */
export type Arena = "parameter" | "gradient" | "firstMoment" | "secondMoment" | "accumulator" | "ema";

/** What a store keeps beside the tensors themselves. */
export interface StoreOptions {
  /** Keep gradients: yes unless told otherwise. */
  gradients?: boolean;
  /** Keep both Adam moments: yes unless told otherwise. */
  moments?: boolean;
  /** Keep sums of gradients over micro-batches. */
  accumulate?: boolean;
  /** Keep an exponential moving average of the parameters. */
  ema?: boolean;
  /** Trainable weights of which copies in int8 are kept, which the optimiser renews (see quantized-weights.ts). */
  quantized?: ReadonlySet<string>;
  /** Bytes that one memory may have, at most {@link MAX_SEGMENT_BYTES}. */
  maxSegmentBytes?: number;
}

/** Where one tensor stands. */
export interface TensorPlace {
  name: string;
  shape: readonly number[];
  role: TensorRole;
  /** Elements, without padding. */
  length: number;
  segment: number;
  /** Bytes: from the start of each arena for a trainable tensor, from the start of the memory for a frozen one. */
  start: number;
  /** Where its copies in int8 stand; absent where there are none. */
  quantized?: QuantizedPlace;
}

/** Where the copies in int8 of a weight [rows, columns] stand, in bytes from the start of the memory. */
export interface QuantizedPlace {
  /** int8 [columns, rows] with the scales float32 [rows]. */
  transposed: number;
  rowScales: number;
  /** int8 [rows, columns] with the scales float32 [columns]. */
  plain: number;
  columnScales: number;
  /** float32 [columns]: the largest magnitude of each column. */
  columnMaxima: number;
}

export interface SegmentLayout {
  /** Size of the memory in WebAssembly pages of 64 KiB. */
  pages: number;
  /** Elements in each arena, padding included. */
  trainableElements: number;
  /** Where each arena starts, in bytes. */
  arenaStarts: Partial<Record<Arena, number>>;
}

/** The plan of a store: plain data, the same in every thread. */
export interface StoreLayout {
  arenas: Arena[];
  segments: SegmentLayout[];
  tensors: TensorPlace[];
}

/** One page below 4 GiB: the end of the last tensor must still be an address of wasm32. */
export const MAX_SEGMENT_BYTES = 65535 * 65536;

/** Tensors start on cache lines, which also suits every vector instruction. */
const ALIGNMENT = 64;

/** Address 0 stays unused, so that the kernels can take it for "none". */
const RESERVED_BYTES = 1024;

const PAGE = 65536;

export function arenasOf(options: StoreOptions): Arena[] {
  const arenas: Arena[] = ["parameter"];
  if (options.gradients ?? true) arenas.push("gradient");
  if (options.moments ?? true) arenas.push("firstMoment", "secondMoment");
  if (options.accumulate) arenas.push("accumulator");
  if (options.ema) arenas.push("ema");
  return arenas;
}

/**
 * Places the tensors in order, beginning a new segment where the next one would pass the limit. All quantities of a
 * tensor stand in the same segment, because a kernel sees one memory at a time.
 *
 * @throws MsmaeError "Config" for a repeated name, a bad shape, or a tensor that no segment can hold.
 */
export function planSegments(
  specs: readonly TensorSpec[],
  arenas: Arena[],
  maxBytes: number,
  quantized: ReadonlySet<string> = new Set(),
): StoreLayout {
  const limit = Math.floor(Math.min(maxBytes, MAX_SEGMENT_BYTES) / PAGE) * PAGE;
  const segments: { trainable: number; frozen: number }[] = [];
  const seen = new Set<string>();
  const drafts = specs.map((spec) => {
    if (seen.has(spec.name)) throw bad(spec, "a name that occurs once", "it twice");
    seen.add(spec.name);
    const length = elementsOf(spec);
    const bytes = aligned(length * 4);
    const copies = quantized.has(spec.name) ? copiesOf(spec) : undefined;
    const cost = bytes * (spec.role === "trainable" ? arenas.length : 1) + (copies?.bytes ?? 0);
    if (RESERVED_BYTES + cost > limit) {
      throw bad(
        spec,
        `a tensor that takes at most ${limit - RESERVED_BYTES} bytes with its gradients and moments`,
        `${cost}`,
      );
    }
    let current = segments.at(-1);
    if (current === undefined || sizeOf(current, arenas) + cost > limit) {
      current = { trainable: 0, frozen: 0 };
      segments.push(current);
    }
    const kind = spec.role === "trainable" ? "trainable" : "frozen";
    const start = current[kind];
    current[kind] += bytes;
    const copiesStart = current.frozen;
    current.frozen += copies?.bytes ?? 0;
    return { spec, length, start, segment: segments.length - 1, copies, copiesStart };
  });
  // Frozen tensors and copies in int8 stand behind the arenas, whose size is known only now.
  const behindArenas = (segment: number) => RESERVED_BYTES + arenas.length * (segments[segment]?.trainable ?? 0);
  return {
    arenas,
    segments: segments.map((segment) => ({
      pages: Math.ceil(sizeOf(segment, arenas) / PAGE),
      trainableElements: segment.trainable / 4,
      arenaStarts: Object.fromEntries(
        arenas.map((arena, index) => [arena, RESERVED_BYTES + index * segment.trainable]),
      ),
    })),
    tensors: drafts.map(({ spec, length, start, segment, copies, copiesStart }) => ({
      name: spec.name,
      shape: [...spec.shape],
      role: spec.role,
      length,
      segment,
      start: spec.role === "trainable" ? start : start + behindArenas(segment),
      ...(copies && { quantized: copies.at(copiesStart + behindArenas(segment)) }),
    })),
  };
}

/** What a weight's copies in int8 take, and where each stands when the first begins at a byte. */
function copiesOf(spec: TensorSpec): { bytes: number; at(start: number): QuantizedPlace } {
  const [rows = 0, columns = 0] = spec.shape;
  // The kernels take sixteen values at a time.
  if (spec.role !== "trainable" || spec.shape.length !== 2 || rows % 16 !== 0 || columns % 16 !== 0) {
    throw bad(spec, "a trainable matrix with multiples of 16 rows and columns, to be kept in int8", `[${spec.shape}]`);
  }
  // All of them multiples of a cache line.
  const transposed = rows * columns;
  const plain = transposed + 4 * rows;
  const scales = plain + rows * columns;
  const maxima = scales + 4 * columns;
  return {
    bytes: maxima + 4 * columns,
    at: (start) => ({
      transposed: start,
      rowScales: start + transposed,
      plain: start + plain,
      columnScales: start + scales,
      columnMaxima: start + maxima,
    }),
  };
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function sizeOf(segment: { trainable: number; frozen: number }, arenas: Arena[]): number {
  return RESERVED_BYTES + segment.trainable * arenas.length + segment.frozen;
}

function elementsOf(spec: TensorSpec): number {
  let length = 1;
  for (const dimension of spec.shape) {
    if (!Number.isInteger(dimension) || dimension < 1) {
      throw bad(spec, "dimensions that are positive whole numbers", `[${spec.shape.join(", ")}]`);
    }
    length *= dimension;
  }
  return length;
}

function bad(spec: TensorSpec, expected: string, got: string): MsmaeError {
  return new MsmaeError("Config", {
    where: `tensor "${spec.name}" of the parameter store`,
    expected,
    got,
    todo: "check the model's specs and maxSegmentBytes",
  });
}
