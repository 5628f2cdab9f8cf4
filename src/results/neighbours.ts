/** Vectors of one width, row by row: float32 [n, width]. */
export interface Rows {
  values: Float32Array;
  width: number;
}

/** The rows of a bank that are nearest to each query, the nearest first. */
export interface Neighbours {
  k: number;
  /** [queries, k] */
  indices: Uint32Array;
  /** [queries, k] cosines, in [-1, 1]. */
  similarities: Float64Array;
}

/** Rows of length 1; a row of zeros stays as it is, and is like nothing. */
export function normalisedRows({ values, width }: Rows): Rows {
  const scaled = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    let sum = 0;
    for (let d = start; d < start + width; d++) sum += (values[d] as number) ** 2;
    const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
    for (let d = start; d < start + width; d++) scaled[d] = (values[d] as number) * scale;
  }
  return { values: scaled, width };
}

/** How many rows there are. */
export function rowCount({ values, width }: Rows): number {
  return values.length / width;
}

/**
 * The k rows of a bank most similar to the queries `from` to before `to`, by the cosine; of equals the one that comes
 * first. All rows are {@link normalisedRows}. Results go into `into` at the queries' places.
 */
export function findNeighbours(
  bank: Rows,
  queries: Rows,
  { from, to }: { from: number; to: number },
  into: Neighbours,
): void {
  const { k, indices, similarities } = into;
  const { width } = bank;
  const count = rowCount(bank);
  for (let query = from; query < to; query++) {
    const start = query * k;
    similarities.fill(-Infinity, start, start + k);
    for (let row = 0; row < count; row++) {
      const similarity = product(queries.values, query * width, bank.values, row * width, width);
      let place = start + k - 1;
      if (similarity <= (similarities[place] as number)) continue;
      for (; place > start && similarity > (similarities[place - 1] as number); place--) {
        similarities[place] = similarities[place - 1] as number;
        indices[place] = indices[place - 1] as number;
      }
      similarities[place] = similarity;
      indices[place] = row;
    }
  }
}

function product(a: Float32Array, atA: number, b: Float32Array, atB: number, width: number): number {
  let sum = 0;
  for (let d = 0; d < width; d++) sum += (a[atA + d] as number) * (b[atB + d] as number);
  return sum;
}

/**
 * Probabilities [queries, classes] by the votes of the first `k` neighbours, each of which weighs
 * exp(similarity / temperature).
 *
 * @param labels [rows] class of each row of the bank.
 * Source: Wu et al. 2018, section 3.4.
 */
export function votes(
  neighbours: Neighbours,
  labels: ArrayLike<number>,
  { k, classes, temperature }: { k: number; classes: number; temperature: number },
): Float64Array {
  const { indices, similarities } = neighbours;
  const queries = indices.length / neighbours.k;
  const probabilities = new Float64Array(queries * classes);
  for (let query = 0; query < queries; query++) {
    const start = query * neighbours.k;
    // Relative to the nearest one, so that no exponential is too large.
    const largest = similarities[start] as number;
    let sum = 0;
    for (let place = start; place < start + k; place++) {
      const weight = Math.exp(((similarities[place] as number) - largest) / temperature);
      const at = query * classes + (labels[indices[place] as number] as number);
      probabilities[at] = (probabilities[at] as number) + weight;
      sum += weight;
    }
    for (let at = query * classes; at < (query + 1) * classes; at++) {
      probabilities[at] = (probabilities[at] as number) / sum;
    }
  }
  return probabilities;
}
