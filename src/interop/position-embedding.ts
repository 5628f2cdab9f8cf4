import { MsmaeError } from "../support/errors.ts";
import { type CubicOptions, cubicTaps } from "./cubic-taps.ts";

/** A grid of patches: rows, columns. */
export type Grid = readonly [rows: number, columns: number];

/**
 * Brings a position embedding to another grid: the leading tokens (cls) stay, the patch positions are interpolated
 * bicubically with `align_corners=False`, as MAE does; with `antialias` as timm does.
 *
 * @param embedding [1, prefix + rows·columns, D], row by row.
 * @param width D.
 * @param prefix Tokens before the patches, 1 for the cls token.
 * @returns [1, prefix + rows'·columns', D] in float64.
 * @throws MsmaeError "Shape" where the length does not fit the grid.
 *
 * Source: torch.nn.functional.interpolate(mode="bicubic").
 */
export function interpolatePositionEmbedding(
  embedding: ArrayLike<number>,
  width: number,
  from: Grid,
  to: Grid,
  { prefix = 1, antialias = false }: { prefix?: number } & CubicOptions = {},
): Float64Array {
  const expected = (prefix + from[0] * from[1]) * width;
  if (embedding.length !== expected) {
    throw new MsmaeError("Shape", {
      where: "position embedding",
      expected: `${expected} values for a grid of ${from[0]}×${from[1]} and width ${width}`,
      got: `${embedding.length}`,
      todo: "check the grid the checkpoint was trained with",
    });
  }
  const result = new Float64Array((prefix + to[0] * to[1]) * width);
  for (let i = 0; i < prefix * width; i++) result[i] = embedding[i] as number;
  const rowTaps = cubicTaps(from[0], to[0], { antialias });
  const columnTaps = cubicTaps(from[1], to[1], { antialias });
  let at = prefix * width;
  for (const row of rowTaps) {
    for (const column of columnTaps) {
      for (const [y, weightY] of row) {
        for (const [x, weightX] of column) {
          const source = (prefix + y * from[1] + x) * width;
          const weight = weightY * weightX;
          for (let d = 0; d < width; d++) {
            result[at + d] = (result[at + d] as number) + weight * (embedding[source + d] as number);
          }
        }
      }
      at += width;
    }
  }
  return result;
}
