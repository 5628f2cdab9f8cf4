/** Resampling filters, under Pillow's names. */
export type ResampleFilter = "bilinear" | "bicubic" | "lanczos";

const PRECISION_BITS = 32 - 8 - 2;

/** For each output position: the first input position and `taps` fixed-point coefficients (zero-padded at the end). */
export interface TapTable {
  first: Int32Array;
  taps: number;
  coefficients: Int32Array;
}

const FILTERS: Record<ResampleFilter, { support: number; weight: (x: number) => number }> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: bicubicWeight },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

// Keys' cubic with a = -0.5, as Pillow has it (PyTorch's tensors use -0.75).
function bicubicWeight(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/**
 * The coefficients that map input positions [start, end) of `inputSize` to `outputSize` positions, with 22 fractional
 * bits; antialiased when shrinking. `taps` is a multiple of `tapMultiple`.
 * Source: Pillow's resampling (normalised float64 weights, rounded half away from zero).
 */
export function resampleTaps(
  inputSize: number,
  start: number,
  end: number,
  outputSize: number,
  filter: ResampleFilter,
  tapMultiple: number,
): TapTable {
  const { support, weight } = FILTERS[filter];
  // Pillow keeps the box in single precision.
  const scale = Math.fround(Math.fround(end) - Math.fround(start)) / outputSize;
  const filterScale = Math.max(scale, 1);
  const reach = support * filterScale;
  const widest = Math.ceil(reach) * 2 + 1;
  const taps = Math.ceil(widest / tapMultiple) * tapMultiple;
  const first = new Int32Array(outputSize);
  const coefficients = new Int32Array(outputSize * taps);
  const weights = new Float64Array(widest);
  for (let out = 0; out < outputSize; out++) {
    const center = Math.fround(start) + (out + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - reach + 0.5));
    const count = Math.min(inputSize, Math.trunc(center + reach + 0.5)) - low;
    let total = 0;
    for (let tap = 0; tap < count; tap++) {
      const w = weight((tap + low - center + 0.5) * (1 / filterScale));
      weights[tap] = w;
      total += w;
    }
    for (let tap = 0; tap < count; tap++) {
      const w = (weights[tap] as number) / (total === 0 ? 1 : total);
      const fixed = w * (1 << PRECISION_BITS);
      coefficients[out * taps + tap] = fixed < 0 ? Math.trunc(fixed - 0.5) : Math.trunc(fixed + 0.5);
    }
    first[out] = low;
  }
  return trimTaps({ first, taps, coefficients }, tapMultiple);
}

/** Drops trailing groups of taps that are zero everywhere: Pillow's bound is one or two taps generous. */
function trimTaps(table: TapTable, tapMultiple: number): TapTable {
  const { taps, first } = table;
  let used = 1;
  table.coefficients.forEach((value, index) => {
    if (value !== 0) used = Math.max(used, (index % taps) + 1);
  });
  const kept = Math.ceil(used / tapMultiple) * tapMultiple;
  if (kept === taps) return table;
  const coefficients = new Int32Array(first.length * kept);
  for (let out = 0; out < first.length; out++) {
    coefficients.set(table.coefficients.subarray(out * taps, out * taps + kept), out * kept);
  }
  return { first, taps: kept, coefficients };
}

/** Mirrors a table along its output axis. */
export function reverseTaps(table: TapTable): TapTable {
  const { taps, first } = table;
  const coefficients = new Int32Array(table.coefficients.length);
  for (let out = 0; out < first.length; out++) {
    const from = (first.length - 1 - out) * taps;
    coefficients.set(table.coefficients.subarray(from, from + taps), out * taps);
  }
  return { first: first.slice().reverse(), taps, coefficients };
}

/** Splits each coefficient c into high·4096 + low, in groups of `group` highs followed by `group` lows. */
export function packTaps(table: TapTable, group: number): Int16Array {
  const packed = new Int16Array(table.coefficients.length * 2);
  table.coefficients.forEach((value, index) => {
    const within = index % group;
    const base = (index - within) * 2 + within;
    packed[base] = value >> 12;
    packed[base + group] = value & 4095;
  });
  return packed;
}
