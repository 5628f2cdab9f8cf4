/** A strided matrix inside a float64 buffer. */
interface Strided {
  data: Float64Array;
  offset: number;
  rowStride: number;
  columnStride: number;
}

/** `out[r, c] += alpha · Σₖ a[r, k] b[k, c]`, the one float64 product under MatMul and Gemm. */
export function multiply(job: {
  a: Strided;
  b: Strided;
  out: Float64Array;
  outOffset: number;
  rows: number;
  inner: number;
  columns: number;
  alpha: number;
}): void {
  const { a, b, out, outOffset, rows, inner, columns, alpha } = job;
  for (let r = 0; r < rows; r++) {
    const outRow = outOffset + r * columns;
    for (let k = 0; k < inner; k++) {
      const factor = alpha * (a.data[a.offset + r * a.rowStride + k * a.columnStride] as number);
      if (factor === 0) continue;
      const bRow = b.offset + k * b.rowStride;
      for (let c = 0; c < columns; c++) {
        out[outRow + c] = (out[outRow + c] as number) + factor * (b.data[bRow + c * b.columnStride] as number);
      }
    }
  }
}
