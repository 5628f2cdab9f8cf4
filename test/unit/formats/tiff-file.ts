/** What a big-endian TIFF file of one strip says of itself. */
export interface MadeTiff {
  /** The strip as it stands in the file. */
  values: Uint8Array;
  width: number;
  height: number;
  bits: number;
  sampleFormat?: number;
  compression?: number;
  photometric?: number;
  /** Where the strip begins. Default 8. */
  offset?: number;
}

/** A grey big-endian TIFF file of one strip. */
export function tiffFile(made: MadeTiff): Uint8Array {
  const { values, width, height, bits, sampleFormat = 1, compression = 1, photometric = 1, offset = 8 } = made;
  const tags = [
    [256, width],
    [257, height],
    [258, bits],
    [259, compression],
    [262, photometric],
    [273, offset],
    [277, 1],
    [278, height],
    [279, values.length],
    [339, sampleFormat],
  ] as const;
  const start = offset + values.length + ((offset + values.length) % 2);
  const bytes = new Uint8Array(start + 2 + tags.length * 12 + 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x4d, 0x4d, 0, 42]);
  view.setUint32(4, start);
  bytes.set(values, offset);
  view.setUint16(start, tags.length);
  for (const [at, [tag, value]] of tags.entries()) {
    const entry = start + 2 + at * 12;
    view.setUint16(entry, tag);
    view.setUint16(entry + 2, 4);
    view.setUint32(entry + 4, 1);
    view.setUint32(entry + 8, value);
  }
  return bytes;
}
