const MAGIC = Uint8Array.of(0x93, ...new TextEncoder().encode("NUMPY"), 1, 0);
/** Header and magic together are a multiple of this, so that data can be mapped into memory. */
const ALIGNMENT = 64;

/**
 * A float32 array as the bytes of a NumPy file, row-major.
 *
 * @param shape its product is the array's length.
 * Source: NumPy enhancement proposal 1, format version 1.0.
 */
export function encodeNpy(data: Float32Array, shape: readonly number[]): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`;
  const prefix = MAGIC.length + 2;
  const length = Math.ceil((prefix + header.length + 1) / ALIGNMENT) * ALIGNMENT - prefix;
  const bytes = new Uint8Array(prefix + length + data.length * 4);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint16(MAGIC.length, length, true);
  bytes.set(new TextEncoder().encode(`${header.padEnd(length - 1)}\n`), prefix);
  for (const [i, value] of data.entries()) view.setFloat32(prefix + length + i * 4, value, true);
  return bytes;
}
