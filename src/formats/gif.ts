/**
 * The colour that the transparent index of a GIF's first picture has in its palette, red, green and blue, which
 * decoders of transparency leave out; undefined where there is none.
 *
 * Source: GIF89a, sections 17 to 23.
 */
export function transparentColour(bytes: Uint8Array): [number, number, number] | undefined {
  const byte = (at: number) => bytes[at] ?? 0;
  let palette = 13;
  let at = palette + paletteBytes(byte(10));
  let index: number | undefined;
  while (at < bytes.length) {
    if (byte(at) === 0x2c) {
      const local = paletteBytes(byte(at + 9));
      if (local > 0) palette = at + 10;
      const colour = palette + 3 * (index ?? 0);
      return index === undefined ? undefined : [byte(colour), byte(colour + 1), byte(colour + 2)];
    }
    if (byte(at) !== 0x21) return undefined;
    if (byte(at + 1) === 0xf9) index = (byte(at + 3) & 1) === 1 ? byte(at + 6) : undefined;
    for (at += 2; byte(at) > 0; at += 1 + byte(at));
    at++;
  }
  return undefined;
}

function paletteBytes(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}
