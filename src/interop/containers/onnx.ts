import protobuf from "protobufjs/minimal.js";
import { sizeOf } from "../../engine/graph/shape.ts";
import { onnx } from "../../engine/onnx/generated/onnx.js";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { readRegular } from "../../support/files/regular-file.ts";
import { ELEMENT_BYTES, type StoredTensor } from "../safetensors.ts";
import { Allowance } from "./allowance.ts";
import { containerFault, type KeepOptions, type TensorFacts, type TensorFile } from "./container.ts";
import { type ExternalPlace, externalPlace, readExternal } from "./onnx-external.ts";
import { ParameterNames, type Target } from "./onnx-names.ts";
import { elementsIn, onnxDtype } from "./onnx-values.ts";
import { gather } from "./strided.ts";

/** No message of protobuf is larger. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
const MAX_TENSORS = 100_000;
const MAX_BESIDE = 200;
const MAX_DIMENSIONS = 64;

/** Tags of fields: their number, and that they hold a message or text. */
const TAG = { producer: (2 << 3) | 2, graph: (7 << 3) | 2, node: (1 << 3) | 2, initializer: (5 << 3) | 2 };

/**
 * Reads the initialisers of an ONNX model: the tensors that it was exported with, under the names of its parameters where
 * the nodes tell them. Those outside of the file lie in its folder.
 *
 * @throws MsmaeError "Checkpoint" for a file that is damaged, names files elsewhere, names a tensor twice, or has no tensors.
 */
export async function readOnnx(path: string, { keep = () => true }: KeepOptions = {}): Promise<TensorFile> {
  const file = await inModel(path, () => readRegular(path, MAX_FILE_BYTES));
  const content = new Content(path, file.length, keep);
  await inModel(path, async () => {
    const names = new ParameterNames();
    walk(file, TAG.node, (reader, length) => names.readNode(reader, length), content.beside);
    const targets = names.targets();
    walk(
      file,
      TAG.initializer,
      (reader, length) => {
        checkSize(reader, length);
        const proto = onnx.TensorProto.decode(reader, length);
        for (const target of targets.get(proto.name) ?? [{ name: proto.name, turned: false }])
          content.take(proto, target);
      },
      content.beside,
    );
  });
  const { entries, beside, outside } = content;
  if (entries.size === 0) throw containerFault(path, "an ONNX model with weights", "none", "give the model's weights");
  const tensors = content.inOrder(await readExternal(path, outside, keep));
  return { container: "ONNX", metadata: {}, entries, tensors, beside };
}

/** What has been found of a model's tensors. */
class Content {
  readonly entries = new Map<string, TensorFacts>();
  readonly beside = new Map<string, string>();
  readonly outside = new Map<string, ExternalPlace>();
  readonly #read = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #turned = new Set<string>();
  readonly #path: string;
  readonly #keep: (name: string) => boolean;
  readonly #allowance: Allowance;

  constructor(path: string, fileBytes: number, keep: (name: string) => boolean) {
    this.#path = path;
    this.#keep = keep;
    this.#allowance = new Allowance(fileBytes);
  }

  take(proto: onnx.TensorProto, { name, turned }: Target): void {
    const where = `${this.#path}: "${name}"`;
    if (this.entries.has(name)) throw containerFault(this.#path, "each name once", `"${name}" twice`);
    if (this.entries.size === MAX_TENSORS) throw containerFault(this.#path, `at most ${MAX_TENSORS} tensors`, "more");
    const dtype = onnxDtype(proto.dataType);
    const shape = proto.dims.map((size) => Number(size.toString()));
    if (dtype === undefined) {
      const type = onnx.TensorProto.DataType[proto.dataType] ?? proto.dataType;
      if (this.beside.size < MAX_BESIDE) this.beside.set(name, `a tensor [${shape}] of type ${type}`);
      return;
    }
    if (shape.length > MAX_DIMENSIONS || shape.some((size) => !Number.isSafeInteger(size) || size < 0)) {
      throw containerFault(where, `a shape of at most ${MAX_DIMENSIONS} whole numbers`, `[${shape}]`);
    }
    if (turned && shape.length !== 2) throw containerFault(where, "a weight of two axes", `[${shape}]`);
    const bytes = sizeOf(shape) * ELEMENT_BYTES[dtype];
    this.entries.set(name, { dtype, shape: turned ? shape.toReversed() : shape });
    if (turned) this.#turned.add(name);
    if (proto.dataLocation === onnx.TensorProto.DataLocation.EXTERNAL) {
      this.outside.set(name, externalPlace(proto, bytes, where));
      return;
    }
    this.#allowance.take(bytes, where);
    const got = elementsIn(proto, dtype);
    if (proto.segment || got.length !== bytes)
      throw containerFault(where, `${bytes} bytes for its shape`, `${got.length}`);
    if (this.#keep(name)) this.#read.set(name, got);
  }

  /** What is kept of these and of those outside of the file, in the order of the initialisers. */
  inOrder(external: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): Map<string, StoredTensor> {
    const ordered = new Map<string, StoredTensor>();
    for (const [name, { dtype, shape }] of this.entries) {
      const bytes = this.#read.get(name) ?? external.get(name);
      if (!bytes) continue;
      const [rows = 0] = shape;
      const view = { offset: 0, shape, strides: [1, rows] };
      ordered.set(name, {
        dtype,
        shape,
        bytes: this.#turned.has(name) ? gather(bytes, ELEMENT_BYTES[dtype], view) : bytes,
      });
    }
    return ordered;
  }
}

/** Hands out the reader at each part of the graph under a tag, with its length. What comes before the graph is noted. */
function walk(
  file: Uint8Array,
  wanted: number,
  use: (reader: protobuf.Reader, length: number) => void,
  beside: Map<string, string>,
): void {
  const reader = protobuf.Reader.create(file);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === TAG.producer) beside.set("producer", reader.string().slice(0, 200));
    else if (tag === TAG.graph) walkGraph(reader, wanted, use);
    else reader.skipType(tag & 7);
  }
}

function walkGraph(
  reader: protobuf.Reader,
  wanted: number,
  use: (reader: protobuf.Reader, length: number) => void,
): void {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new Error("a graph that ends before it should");
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === wanted) use(reader, reader.uint32());
    else reader.skipType(tag & 7);
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
