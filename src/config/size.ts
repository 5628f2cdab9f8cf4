import { z } from "zod";

/** Extent of an image in pixels. */
export interface Size {
  height: number;
  width: number;
}

const pixels = z.int().min(1);

/** `224`, `"224"`, `"224x320"` (height first) or `{height, width}`, always read into the last form. */
export const sizeSchema = z.union([
  pixels.transform((side): Size => ({ height: side, width: side })),
  z
    .string()
    .regex(/^[1-9]\d{0,5}([xX][1-9]\d{0,5})?$/)
    .transform((text): Size => {
      const [height, width] = text.toLowerCase().split("x").map(Number) as [number, number?];
      return { height, width: width ?? height };
    }),
  z.strictObject({ height: pixels, width: pixels }),
]);

export function formatSize(size: Size): string {
  return size.height === size.width ? String(size.height) : `${size.height}x${size.width}`;
}
