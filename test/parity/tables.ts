import { interpolatePositionEmbedding } from "../../src/interop/position-embedding.ts";
import { sinCosPositionEmbedding } from "../../src/method/nn/pos-embed.ts";
import { hostValues } from "../tolerances.ts";
import type { GoldenFile } from "./goldens.ts";
import type { Comparison } from "./harness.ts";

/** Sine-cosine tables `sincos/<width>x<grid>` and interpolated position embeddings `interpolate/<grid>to<grid>`. */
export function checkTables(golden: GoldenFile, out: Comparison): void {
  for (const name of golden.names) {
    const tolerance = hostValues[golden.dtype(name)];
    const table = /^sincos\/(\d+)x(\d+)(?:x(\d+))?$/.exec(name);
    const resized = /^(interpolate\/(\d+)(?:x(\d+))?to(\d+)(?:x(\d+))?)\/out$/.exec(name);
    if (table) {
      const [width, rows, columns = rows] = numbers(table.slice(1)) as [number, number, number | undefined];
      out.add(
        name,
        "host",
        sinCosPositionEmbedding(width, { height: rows, width: columns }),
        golden.values(name),
        tolerance,
      );
    } else if (resized) {
      const [fromRows, fromColumns, toRows, toColumns] = numbers(resized.slice(2));
      const from = [fromRows as number, (fromColumns ?? fromRows) as number] as const;
      const to = [toRows as number, (toColumns ?? toRows) as number] as const;
      const source = `${resized[1]}/in`;
      const width = golden.shape(source).at(-1) as number;
      out.add(
        name,
        "host",
        interpolatePositionEmbedding(golden.values(source), width, from, to),
        golden.values(name),
        tolerance,
      );
    }
  }
}

function numbers(texts: readonly (string | undefined)[]): (number | undefined)[] {
  return texts.map((text) => (text === undefined ? undefined : Number(text)));
}
