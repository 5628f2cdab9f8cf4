import { roundHalfEven } from "./round-half-even.ts";

/** The value of the 16 bits of an IEEE 754 binary16. Node 22 has no Float16Array. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The 16 bits of the binary16 nearest to a value of float32, of two as near the even one; infinite beyond 65,504. */
export function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65_520) return sign | 0x7c00;
  word.setFloat32(0, magnitude);
  const exponent = Math.max(-14, (word.getUint32(0) >> 23) - 127);
  // In steps of the last place: one carried beyond the fraction raises the exponent, as it should.
  return sign | (((exponent + 14) << 10) + roundHalfEven(magnitude * 2 ** (10 - exponent)));
}

const word = new DataView(new ArrayBuffer(4));
