import { wasmBase64 } from "./generated/kernels.ts";
import { wasmBase64 as quantizeBase64 } from "./generated/quantize.ts";

/** The compiled kernels over one memory; pointers in bytes, counts in float32 elements. See kernels.as.ts. */
export interface OptimizerKernels {
  adamw(
    parameter: number,
    gradient: number,
    first: number,
    second: number,
    count: number,
    gradientScale: number,
    keep: number,
    towards1: number,
    beta2: number,
    towards2: number,
    step: number,
    rootScale: number,
    eps: number,
    coupled: number,
  ): void;
  sumOfSquares(x: number, count: number): number;
  sumOfSquaresOfSum(x: number, y: number, count: number, a: number, b: number): number;
  lars(
    parameter: number,
    gradient: number,
    momentum: number,
    count: number,
    gradientScale: number,
    coupled: number,
    trust: number,
    keep: number,
    step: number,
  ): void;
  axpy(y: number, x: number, count: number, alpha: number): void;
  ema(average: number, x: number, count: number, towards: number): void;
  zero(x: number, count: number): void;
}

/** The kernels that keep a weight in int8, over one memory; pointers in bytes. See quantize.as.ts. */
export interface QuantizeKernels {
  columnMaxima(weight: number, rows: number, columns: number, maxima: number): void;
  columnScales(maxima: number, columns: number, scales: number): void;
  quantize(
    weight: number,
    rows: number,
    columns: number,
    stride: number,
    transposed: number,
    rowScales: number,
    plain: number,
    maxima: number,
  ): void;
}

const compiled = new Map<string, WebAssembly.Module>();

/** The kernels for a memory, in this thread. */
export function instantiateKernels(memory: WebAssembly.Memory): OptimizerKernels & QuantizeKernels {
  // The modules' exports are the functions of the two sources; WebAssembly gives them without types.
  const exportsOf = (base64: string) => new WebAssembly.Instance(moduleOf(base64), { env: { memory } }).exports;
  return { ...exportsOf(wasmBase64), ...exportsOf(quantizeBase64) } as unknown as OptimizerKernels & QuantizeKernels;
}

function moduleOf(base64: string): WebAssembly.Module {
  const known =
    compiled.get(base64) ?? new WebAssembly.Module(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  compiled.set(base64, known);
  return known;
}
