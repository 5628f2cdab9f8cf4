/** A column of a table of one type. */
export type TableColumn =
  | { name: string; type: "text"; values: readonly string[] }
  | { name: string; type: "float32"; values: Float32Array };

/** A Parquet file of columns of one length. */
export async function encodeParquet(columns: readonly TableColumn[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("./generated/parquet.js");
  const columnData = columns.map(({ name, type, values }) => ({
    name,
    data: values,
    type: type === "text" ? ("STRING" as const) : ("FLOAT" as const),
    nullable: false,
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
