/** What is kept of a weight in int8: the matrix transposed with a scale per row, and as it lies with one per column. */
const copies = ["transposed", "rowScales", "plain", "columnScales"] as const;

export type QuantizedCopy = (typeof copies)[number];

/** The graph input under which a copy in int8 of a tensor of the store is read. */
export function quantizedInputName(key: string, copy: QuantizedCopy): string {
  return `int8/${copy}/${key}`;
}

/** The tensor and the copy of it that an input of this name reads; undefined for any other input. */
export function quantizedInput(name: string): { key: string; copy: QuantizedCopy } | undefined {
  const copy = copies.find((one) => name.startsWith(quantizedInputName("", one)));
  return copy && { key: name.slice(quantizedInputName("", copy).length), copy };
}
