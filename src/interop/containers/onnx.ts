import protobuf from "protobufjs/minimal.js";
import { onnx } from "../../engine/onnx/generated/onnx.js";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { readRegular } from "../../support/files/regular-file.ts";
import { ELEMENT_BYTES, type StoredTensor } from "../safetensors.ts";
import { Allowance } from "./allowance.ts";
import { containerFault, type KeepOptions, type TensorFacts, type TensorFile } from "./container.ts";
import { type ExternalPlace, externalPlace, readExternal } from "./onnx-external.ts";
import { elementsIn, onnxDtype } from "./onnx-values.ts";
import { elementsOf } from "./strided.ts";

/** No message of protobuf is larger. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
const MAX_INITIALIZERS = 100_000;

/** Tags of fields: their number, and that they hold a message or text. */
const TAG = { producer: (2 << 3) | 2, graph: (7 << 3) | 2, initializer: (5 << 3) | 2 };

/**
 * Reads the initialisers of an ONNX model: the tensors that it was exported with, under the names that the exporter gave them.
 * Those outside of the file lie in its folder. Nodes are passed over.
 *
 * @throws MsmaeError "Checkpoint" for a file that is damaged, names files elsewhere, names a tensor twice, or has no tensors.
 */
export async function readOnnx(path: string, { keep = () => true }: KeepOptions = {}): Promise<TensorFile> {
  const file = await inModel(path, () => readRegular(path, MAX_FILE_BYTES));
  const allowance = new Allowance(file.length);
  const entries = new Map<string, TensorFacts>();
  const tensors = new Map<string, StoredTensor>();
  const outside = new Map<string, ExternalPlace>();
  const beside = new Map<string, string>();
  const take = (proto: onnx.TensorProto) => {
    const { name } = proto;
    const where = `${path}: "${name}"`;
    if (entries.has(name) || beside.has(name)) throw containerFault(path, "each name once", `"${name}" twice`);
    if (entries.size === MAX_INITIALIZERS) throw containerFault(path, `at most ${MAX_INITIALIZERS} tensors`, "more");
    const dtype = onnxDtype(proto.dataType);
    const shape = proto.dims.map((size) => Number(size.toString()));
    if (dtype === undefined) {
      beside.set(name, `a tensor [${shape}] of type ${onnx.TensorProto.DataType[proto.dataType] ?? proto.dataType}`);
      return;
    }
    if (shape.some((size) => !Number.isSafeInteger(size) || size < 0)) {
      throw containerFault(where, "a shape of whole numbers", `[${shape}]`);
    }
    const bytes = elementsOf(shape) * ELEMENT_BYTES[dtype];
    entries.set(name, { dtype, shape });
    if (proto.dataLocation === onnx.TensorProto.DataLocation.EXTERNAL) {
      outside.set(name, externalPlace(proto, bytes, where));
      return;
    }
    const got = elementsIn(proto, dtype);
    if (proto.segment || got.length !== bytes)
      throw containerFault(where, `${bytes} bytes for its shape`, `${got.length}`);
    allowance.take(bytes, where);
    if (keep(name)) tensors.set(name, { dtype, shape, bytes: got });
  };
  await inModel(path, async () => walk(file, take, beside));
  if (entries.size === 0) throw containerFault(path, "an ONNX model with weights", "none", "give the model's weights");
  const read = await readExternal(path, outside, keep);
  return { container: "ONNX", metadata: {}, entries, tensors: inOrder(entries, tensors, read), beside };
}

function inOrder(
  entries: ReadonlyMap<string, TensorFacts>,
  tensors: ReadonlyMap<string, StoredTensor>,
  read: ReadonlyMap<string, Uint8Array>,
): Map<string, StoredTensor> {
  const ordered = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape }] of entries) {
    const bytes = tensors.get(name)?.bytes ?? read.get(name);
    if (bytes) ordered.set(name, { dtype, shape, bytes });
  }
  return ordered;
}

/** Hands out one initialiser after another, so that at most one is there twice. */
function walk(file: Uint8Array, take: (proto: onnx.TensorProto) => void, beside: Map<string, string>): void {
  const reader = protobuf.Reader.create(file);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === TAG.producer) {
      beside.set("producer", reader.string().slice(0, 200));
    } else if (tag === TAG.graph) {
      walkGraph(reader, take);
    } else {
      reader.skipType(tag & 7);
    }
  }
}

function walkGraph(reader: protobuf.Reader, take: (proto: onnx.TensorProto) => void): void {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new Error("a graph that ends before it should");
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag !== TAG.initializer) {
      reader.skipType(tag & 7);
      continue;
    }
    const length = reader.uint32();
    checkSize(reader, length);
    take(onnx.TensorProto.decode(reader, length));
  }
}

/** Numbers of the tensor that stand in lists: float32, int32 and float64. Each is several times as large in memory. */
const LISTS = new Set([4, 5, 10]);
const RAW = 9;
const MOST = { lists: 2 ** 26, others: 2 ** 22 };

/** Looks at the sizes of a tensor's fields before they are decoded. The reader goes back to where it was. */
function checkSize(reader: protobuf.Reader, length: number): void {
  const { pos } = reader;
  const sizes = { lists: 0, others: 0 };
  while (reader.pos < pos + length) {
    const from = reader.pos;
    const tag = reader.uint32();
    reader.skipType(tag & 7);
    const field = tag >>> 3;
    if (field !== RAW) sizes[LISTS.has(field) ? "lists" : "others"] += reader.pos - from;
  }
  if (sizes.lists > MOST.lists || sizes.others > MOST.others) {
    throw new Error(`a tensor with ${sizes.lists + sizes.others} bytes that are not raw data, more than is read`);
  }
  reader.pos = pos;
}

async function inModel<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof MsmaeError) throw error;
    throw containerFault(path, "a whole ONNX model", messageOf(error), undefined, error);
  }
}
