import fc from "fast-check";

/** A field of a file set to a value that no sound header has. */
export interface Claim {
  /** Where in the file, in millionths; the beginning holds most headers, the end those of TIFF. */
  at: number;
  bytes: 1 | 2 | 4 | 8;
  littleEndian: boolean;
  value: number;
}

const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
export const claim: fc.Arbitrary<Claim> = fc.record({
  at: fc.integer({ min: 0, max: 999_999 }),
  bytes: fc.constantFrom(1, 2, 4, 8),
  littleEndian: fc.boolean(),
  value: fc.constantFrom(...EXTREMES),
});

/** A copy of a file that makes these claims. */
export function claimed(original: Uint8Array, claims: readonly Claim[]): Uint8Array {
  const bytes = Buffer.from(original);
  for (const { at, bytes: size, littleEndian, value } of claims) {
    const place = Math.floor((at / 1_000_000) * Math.max(1, bytes.length - size));
    const field = Buffer.alloc(8);
    if (littleEndian) field.writeUInt32LE(value);
    else field.writeUInt32BE(value, size === 8 ? 4 : 0);
    if (place + size > bytes.length) continue;
    const from = littleEndian || size >= 4 ? 0 : 4 - size;
    field.copy(bytes, place, from, from + size);
  }
  return bytes;
}
