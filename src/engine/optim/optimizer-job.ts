import { type Arena, ParameterStore, type StoreHandle, type TensorPlace } from "../parameters/parameter-store.ts";
import { instantiateKernels, type OptimizerKernels, type QuantizeKernels } from "./kernel-instance.ts";
import type { ParameterGroup } from "./parameter-groups.ts";
import { elementsPerPiece, type QuantizedRows, quantizedRows } from "./quantized-weights.ts";

/** Elements of a piece: its parameters, gradients and moments fit a core's cache together, so that each is read once. */
const PIECE_ELEMENTS = 16384;

/** What a job does to every piece. */
export const OPERATION = {
  adamw: 1,
  sumOfSquares: 2,
  accumulate: 3,
  larsNorms: 4,
  lars: 5,
  columnMaxima: 6,
  quantize: 7,
} as const;

/** The scalars of a job, by their place in {@link OptimizerJob.scalars}. */
export const SCALAR = {
  operation: 0,
  lr: 1,
  beta1: 2,
  beta2: 3,
  eps: 4,
  stepIndex: 5,
  gradientScale: 6,
  /** Below zero for no EMA. */
  emaDecay: 7,
  /** 1 to take the gradients from the accumulator and empty it. */
  fromAccumulator: 8,
  /** 1 to sum the squares of the gradients on the way. */
  withNorm: 9,
  momentum: 10,
} as const;

/** Words of a group in {@link OptimizerJob.groups}. */
export const GROUP = { lrScale: 0, weightDecay: 1, l2: 2, trust: 3, words: 4 } as const;

/** Words of {@link OptimizerJob.control}; those that different threads write stand on different cache lines. */
export const CONTROL = { nextPiece: 0, finishedPieces: 16, failed: 32, firstHelper: 48, helperStride: 16 } as const;

/** What a helper thread is doing. */
export const HELPER = { starting: 0, idle: 1, running: 2 } as const;

/** Everything the threads share, all of it on shared memory. */
export interface OptimizerJob {
  store: StoreHandle;
  control: Int32Array;
  scalars: Float64Array;
  /** Per piece: segment, first element in the arena, elements, group. */
  pieces: Int32Array;
  /** Per group: lr scale, decoupled and coupled weight decay, and the factor that LARS has on its movement. */
  groups: Float64Array;
  /** Per piece: sum of squares of its gradients. */
  partials: Float64Array;
  /** Per piece, for LARS: sums of squares of its parameters, and of their gradients with the decay. */
  norms: Float64Array;
}

/**
 * Cuts the trainable tensors into pieces of bounded size. The cuts depend on the tensors alone: not on the number of
 * threads, nor on the segments, so neither do the sums.
 *
 * @param groups one for each trainable tensor.
 */
export function planJob(
  store: ParameterStore,
  groups: ReadonlyMap<string, ParameterGroup>,
  helpers: number,
): OptimizerJob {
  const names = store.trainableNames;
  const pieces: number[] = [];
  for (const [group, name] of names.entries()) {
    const place = store.place(name);
    const { segment, start, length } = place;
    // Of a weight that is also kept in int8, whole rows.
    const size = place.quantized ? elementsPerPiece(place, PIECE_ELEMENTS) : PIECE_ELEMENTS;
    for (let at = 0; at < length; at += size) {
      pieces.push(segment, start / 4 + at, Math.min(size, length - at), group);
    }
  }
  const table = names.flatMap((name) => {
    const { lrScale, weightDecay, l2 = 0 } = groups.get(name) as ParameterGroup;
    return [lrScale, weightDecay, l2, 1];
  });
  const job: OptimizerJob = {
    store: store.handle(),
    control: new Int32Array(new SharedArrayBuffer(4 * (CONTROL.firstHelper + helpers * CONTROL.helperStride))),
    scalars: new Float64Array(new SharedArrayBuffer(8 * Object.keys(SCALAR).length)),
    pieces: new Int32Array(new SharedArrayBuffer(4 * pieces.length)),
    groups: new Float64Array(new SharedArrayBuffer(8 * table.length)),
    partials: new Float64Array(new SharedArrayBuffer(2 * pieces.length)),
    norms: new Float64Array(new SharedArrayBuffer(4 * pieces.length)),
  };
  job.pieces.set(pieces);
  job.groups.set(table);
  return job;
}

interface Piece {
  kernels: OptimizerKernels & QuantizeKernels;
  count: number;
  group: number;
  /** Bytes from the start of the memory to this piece in each arena; -1 where the store has no such arena. */
  parameter: number;
  gradient: number;
  firstMoment: number;
  secondMoment: number;
  accumulator: number;
  ema: number;
  /** Where its rows stand in int8; absent where they do not. */
  quantized: QuantizedRows | undefined;
}

/** One thread's hands on a job: claims pieces until none is left. Which thread takes which piece changes nothing. */
export class PieceRunner {
  readonly #job: OptimizerJob;
  readonly #pieces: Piece[];

  constructor(job: OptimizerJob) {
    this.#job = job;
    const store = ParameterStore.attach(job.store);
    const kernels = store.memories.map(instantiateKernels);
    const places = store.trainableNames.map((name) => store.place(name));
    this.#pieces = Array.from({ length: job.pieces.length / 4 }, (_, index) => {
      const word = (place: number) => job.pieces[4 * index + place] as number;
      const at = (arena: Arena) => (store.keeps(arena) ? store.arenaStart(word(0), arena) + 4 * word(1) : -1);
      return {
        kernels: kernels[word(0)] as OptimizerKernels & QuantizeKernels,
        count: word(2),
        group: word(3),
        parameter: at("parameter"),
        gradient: at("gradient"),
        firstMoment: at("firstMoment"),
        secondMoment: at("secondMoment"),
        accumulator: at("accumulator"),
        ema: at("ema"),
        quantized: quantizedRows(places[word(3)] as TensorPlace, 4 * word(1), word(2)),
      };
    });
  }

  run(): void {
    const { control, scalars } = this.#job;
    for (;;) {
      const index = Atomics.add(control, CONTROL.nextPiece, 1);
      const piece = this.#pieces[index];
      if (piece === undefined) return;
      this.#work(scalars[SCALAR.operation] as number, piece, index);
      Atomics.add(control, CONTROL.finishedPieces, 1);
    }
  }

  #work(operation: number, piece: Piece, index: number): void {
    if (operation === OPERATION.adamw) this.#adamw(piece, index);
    else if (operation === OPERATION.lars) this.#lars(piece, index);
    else if (operation === OPERATION.larsNorms) this.#larsNorms(piece, index);
    else if (operation === OPERATION.sumOfSquares) this.#sumOfSquares(piece, index);
    else if (operation === OPERATION.columnMaxima) columnMaxima(piece);
    else if (operation === OPERATION.quantize) quantize(piece);
    else piece.kernels.axpy(piece.accumulator, piece.gradient, piece.count, 1);
  }

  #sumOfSquares(piece: Piece, index: number): void {
    this.#job.partials[index] = piece.kernels.sumOfSquares(this.#gradientOf(piece), piece.count);
  }

  #gradientOf(piece: Piece): number {
    return this.#job.scalars[SCALAR.fromAccumulator] === 1 ? piece.accumulator : piece.gradient;
  }

  #adamw(piece: Piece, index: number): void {
    const at = (place: number) => this.#job.scalars[place] as number;
    const { kernels, count } = piece;
    const lr = at(SCALAR.lr) * this.#groupOf(piece, GROUP.lrScale);
    const weightDecay = this.#groupOf(piece, GROUP.weightDecay);
    const beta1 = at(SCALAR.beta1);
    const beta2 = at(SCALAR.beta2);
    if (at(SCALAR.withNorm) === 1) this.#sumOfSquares(piece, index);
    kernels.adamw(
      piece.parameter,
      this.#gradientOf(piece),
      piece.firstMoment,
      piece.secondMoment,
      count,
      at(SCALAR.gradientScale),
      1 - lr * weightDecay,
      1 - beta1,
      beta2,
      1 - beta2,
      lr / (1 - beta1 ** at(SCALAR.stepIndex)),
      1 / Math.sqrt(1 - beta2 ** at(SCALAR.stepIndex)),
      at(SCALAR.eps),
      this.#groupOf(piece, GROUP.l2),
    );
    this.#afterUpdate(piece);
  }

  #larsNorms(piece: Piece, index: number): void {
    const { norms, scalars } = this.#job;
    const { kernels, parameter, count } = piece;
    const scale = scalars[SCALAR.gradientScale] as number;
    const l2 = this.#groupOf(piece, GROUP.l2);
    norms[2 * index] = kernels.sumOfSquares(parameter, count);
    norms[2 * index + 1] = kernels.sumOfSquaresOfSum(this.#gradientOf(piece), parameter, count, scale, l2);
  }

  #lars(piece: Piece, index: number): void {
    const at = (place: number) => this.#job.scalars[place] as number;
    if (at(SCALAR.withNorm) === 1) this.#sumOfSquares(piece, index);
    piece.kernels.lars(
      piece.parameter,
      this.#gradientOf(piece),
      piece.firstMoment,
      piece.count,
      at(SCALAR.gradientScale),
      this.#groupOf(piece, GROUP.l2),
      this.#groupOf(piece, GROUP.trust),
      at(SCALAR.momentum),
      at(SCALAR.lr) * this.#groupOf(piece, GROUP.lrScale),
    );
    this.#afterUpdate(piece);
  }

  #groupOf({ group }: Piece, word: number): number {
    return this.#job.groups[GROUP.words * group + word] as number;
  }

  #afterUpdate(piece: Piece): void {
    const { kernels, parameter, ema, accumulator, count } = piece;
    const { scalars } = this.#job;
    const emaDecay = scalars[SCALAR.emaDecay] as number;
    if (emaDecay >= 0) kernels.ema(ema, parameter, count, 1 - emaDecay);
    if (scalars[SCALAR.fromAccumulator] === 1) kernels.zero(accumulator, count);
    columnMaxima(piece);
  }
}

function columnMaxima({ kernels, parameter, quantized }: Piece): void {
  if (quantized) kernels.columnMaxima(parameter, quantized.rows, quantized.columns, quantized.columnMaxima);
}

function quantize({ kernels, parameter, quantized }: Piece): void {
  if (!quantized) return;
  const { rows, columns, stride, transposed, rowScales, plain } = quantized;
  kernels.quantize(parameter, rows, columns, stride, transposed, rowScales, plain, quantized.columnMaxima);
  if (quantized.first) kernels.columnScales(quantized.columnMaxima, columns, quantized.columnScales);
}
