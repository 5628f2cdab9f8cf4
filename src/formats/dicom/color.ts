/**
 * Full-range YCbCr to RGB, 8 bits, in place: rounded half up and clipped.
 * Source: DICOM PS3.3 C.7.6.3.1.2 (the inverse of its YBR_FULL equations), as pydicom computes it.
 */
export function ybrFullToRgb(pixels: Uint8Array): void {
  for (let at = 0; at + 2 < pixels.length; at += 3) {
    const y = (pixels[at] as number) + 0.5;
    const cb = (pixels[at + 1] as number) - 128;
    const cr = (pixels[at + 2] as number) - 128;
    pixels[at] = clip(y + 1.402 * cr);
    pixels[at + 1] = clip(y - ((0.114 * 1.772) / 0.587) * cb - ((0.299 * 1.402) / 0.587) * cr);
    pixels[at + 2] = clip(y + 1.772 * cb);
  }
}

/** Studio-range YCbCr (16…235, 16…240) to RGB, 8 bits, in place. Source: as above, YBR_PARTIAL (ITU-R BT.601). */
export function ybrPartialToRgb(pixels: Uint8Array): void {
  for (let at = 0; at + 2 < pixels.length; at += 3) {
    const y = 1.164384 * ((pixels[at] as number) - 16) + 0.5;
    const cb = (pixels[at + 1] as number) - 128;
    const cr = (pixels[at + 2] as number) - 128;
    pixels[at] = clip(y + 1.596027 * cr);
    pixels[at + 1] = clip(y - 0.391762 * cb - 0.812968 * cr);
    pixels[at + 2] = clip(y + 2.017232 * cb);
  }
}

function clip(value: number): number {
  return Math.min(255, Math.max(0, Math.floor(value)));
}

/** YBR with every two pixels of a row sharing their colour, [pixels / 2, Y1 Y2 Cb Cr], to [pixels, Y Cb Cr]. */
export function expand422(packed: Uint8Array, pixels: number): Uint8Array {
  const output = new Uint8Array(pixels * 3);
  for (let from = 0, to = 0; to < output.length; from += 4, to += 6) {
    output[to] = packed[from] as number;
    output[to + 3] = packed[from + 1] as number;
    output[to + 1] = output[to + 4] = packed[from + 2] as number;
    output[to + 2] = output[to + 5] = packed[from + 3] as number;
  }
  return output;
}
