import { wasmBase64 } from "./generated/kernels.ts";

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

let compiled: WebAssembly.Module | undefined;

/** The kernels for a memory, in this thread. */
export function instantiateKernels(memory: WebAssembly.Memory): OptimizerKernels {
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(wasmBase64), (letter) => letter.charCodeAt(0)));
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  // The module's exports are the functions of kernels.as.ts; WebAssembly gives them without types.
  return instance.exports as unknown as OptimizerKernels;
}
