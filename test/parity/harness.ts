import type { Tolerance } from "../tolerances.ts";

/** What computed a quantity; `host` is code that no graph takes part in. */
export type Backend = "float64" | "cpu" | "host";

/** One compared quantity. Errors are null where they are not finite: a wrong shape, NaN, or a check that failed. */
export interface Row {
  case: string;
  quantity: string;
  backend: Backend;
  maxAbsError: number | null;
  /** `maxAbsError` divided by the golden tensor's largest element. */
  relativeError: number | null;
  /** The largest absolute error that is accepted. */
  tolerance: number;
  ok: boolean;
  note?: string;
}

/** The rows of one case. */
export class Comparison {
  readonly rows: Row[] = [];
  /** Golden tensors that no check knows. */
  readonly notCovered: string[] = [];
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Compares every element. The tolerance is relative to the largest element of `expected`, or to `scale` where only a
   * part of a tensor is compared.
   */
  add(
    quantity: string,
    backend: Backend,
    got: ArrayLike<number>,
    expected: ArrayLike<number>,
    { relative }: Tolerance,
    scale = largest(expected),
  ): void {
    const tolerance = relative * scale;
    if (got.length !== expected.length) {
      this.fail(quantity, backend, `${got.length} elements instead of ${expected.length}`, tolerance);
      return;
    }
    const error = maxAbsError(got, expected);
    const finite = Number.isFinite(error);
    this.rows.push({
      case: this.name,
      quantity,
      backend,
      maxAbsError: finite ? error : null,
      relativeError: finite ? error / (scale || 1) : null,
      tolerance,
      ok: error <= tolerance,
    });
  }

  /** A row for a quantity that could not be computed. */
  fail(quantity: string, backend: Backend, note: string, tolerance = 0): void {
    const errors = { maxAbsError: null, relativeError: null };
    this.rows.push({ case: this.name, quantity, backend, ...errors, tolerance, ok: false, note });
  }
}

/** The largest absolute difference; NaN where either side has one. */
function maxAbsError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((got[i] as number) - (expected[i] as number));
    if (!(difference <= error)) error = difference;
    if (Number.isNaN(error)) return error;
  }
  return error;
}

export function largest(values: ArrayLike<number>): number {
  let result = 0;
  for (let i = 0; i < values.length; i++) result = Math.max(result, Math.abs(values[i] as number));
  return result;
}
