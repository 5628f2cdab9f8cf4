import type { SafetensorsDtype } from "../safetensors.ts";
import { containerFault } from "./container.ts";
import type { PickleHooks } from "./pickle.ts";
import { kindOf, PyDict, PyGlobal, PyList, PyObject, PyRead, PyTuple, type PyValue } from "./pickle-values.ts";
import type { Strided } from "./strided.ts";

/** Numbers that tensors view, under a key of the file. */
export class TorchStorage extends PyRead {
  readonly title = "a storage";
  readonly key: string;
  /** Undefined where each tensor says its own. */
  readonly dtype: SafetensorsDtype | undefined;
  /** How many it has; bytes where there is no dtype. */
  readonly elements: number;
  /** The first of them in what is stored under the key. */
  readonly first: number;

  constructor(key: string, dtype: SafetensorsDtype | undefined, elements: number, first: number) {
    super();
    this.key = key;
    this.dtype = dtype;
    this.elements = elements;
    this.first = first;
  }
}

/** A view of a storage. */
export class TorchTensor extends PyRead implements Strided {
  readonly title = "a tensor";
  readonly storage: TorchStorage;
  readonly dtype: SafetensorsDtype;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: TorchStorage, dtype: SafetensorsDtype, { offset, shape, strides }: Strided) {
    super();
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A tensor, or the storage of some, of a type that is not read. */
export class UnreadTensor extends PyRead {
  readonly title: string;

  constructor(type: string) {
    super();
    this.title = `a tensor of ${type}`;
  }
}

/** Storages and dtypes by their names in PyTorch. */
const TYPES: readonly (readonly [storage: string, dtype: string, SafetensorsDtype])[] = [
  ["DoubleStorage", "float64", "F64"],
  ["FloatStorage", "float32", "F32"],
  ["HalfStorage", "float16", "F16"],
  ["BFloat16Storage", "bfloat16", "BF16"],
  ["LongStorage", "int64", "I64"],
  ["IntStorage", "int32", "I32"],
  ["ShortStorage", "int16", "I16"],
  ["CharStorage", "int8", "I8"],
  ["ByteStorage", "uint8", "U8"],
  ["BoolStorage", "bool", "BOOL"],
];
const STORAGES = new Map(TYPES.map(([storage, , dtype]) => [`torch.${storage}`, dtype]));
/** Classes of storages in the module torch. */
export const STORAGE_CLASSES: ReadonlyMap<SafetensorsDtype, string> = new Map(
  TYPES.map(([storage, , dtype]) => [dtype, storage]),
);
const DTYPES = new Map(TYPES.map(([, name, dtype]) => [`torch.${name}`, dtype]));
const UNTYPED = "torch.storage.UntypedStorage";

/** PyTorch has no tensor of more dimensions. */
const MAX_DIMENSIONS = 64;

/**
 * The names of PyTorch's files that are understood: what they say is taken over as data. Everything else stays a placeholder.
 *
 * @throws MsmaeError "Checkpoint" where one of them is called with what PyTorch never writes.
 */
export function torchHooks(where: string): PickleHooks {
  const fault = (expected: string, got: PyValue | undefined) =>
    containerFault(where, expected, got === undefined ? "nothing" : kindOf(got));
  const calls = new Map<string, (args: readonly PyValue[]) => PyValue>([
    ["collections.OrderedDict", (args) => dictOf(args[0])],
    ["collections.defaultdict", () => new PyDict()],
    ["torch.Size", ([sizes = null]) => sizes],
    ["torch._utils._rebuild_tensor", (args) => tensorOf(args)],
    ["torch._utils._rebuild_tensor_v2", (args) => flagged(args[6]) ?? tensorOf(args)],
    ["torch._utils._rebuild_tensor_v3", (args) => flagged(args[7]) ?? tensorOf(args, args[6])],
    ["torch._utils._rebuild_parameter", parameterOf],
    ["torch._utils._rebuild_parameter_with_state", parameterOf],
    ["torch._tensor._rebuild_from_type_v2", typed],
  ]);

  function dictOf(pairs: PyValue | undefined): PyDict {
    const dict = new PyDict();
    if (pairs === undefined) return dict;
    if (!(pairs instanceof PyList)) throw fault("pairs of an OrderedDict", pairs);
    for (const pair of pairs.items) {
      const [key, value] = pair instanceof PyTuple || pair instanceof PyList ? pair.items : [];
      if (key === undefined || value === undefined) throw fault("pairs of an OrderedDict", pair);
      dict.set(key, value);
    }
    return dict;
  }

  function tensorOf([storage, offset, sizes, steps]: readonly PyValue[], named?: PyValue): PyValue {
    if (storage instanceof UnreadTensor) return storage;
    if (!(storage instanceof TorchStorage)) throw fault("a tensor's storage", storage);
    const dtype = named === undefined ? storage.dtype : DTYPES.get(named instanceof PyGlobal ? named.name : "");
    if (dtype === undefined) return new UnreadTensor(named instanceof PyGlobal ? named.name : "no type");
    if (!isCount(offset)) throw fault("a tensor's offset", offset);
    const shape = counts(sizes);
    const strides = counts(steps);
    if (!shape) throw fault(`a shape of at most ${MAX_DIMENSIONS} whole numbers`, sizes);
    if (strides?.length !== shape.length) throw fault(`${shape.length} strides`, steps);
    return new TorchTensor(storage, dtype, { offset, shape, strides });
  }

  function parameterOf([data]: readonly PyValue[]): PyValue {
    if (data instanceof TorchTensor || data instanceof UnreadTensor) return data;
    if (data instanceof PyObject) return new UnreadTensor(data.name);
    throw fault("a parameter's tensor", data);
  }

  /** A tensor with attributes: the function that makes it, its class, and the function's arguments. */
  function typed([maker, , args]: readonly PyValue[]): PyValue {
    const name = maker instanceof PyGlobal ? maker.name : "";
    const call = name.startsWith("torch._utils.") ? calls.get(name) : undefined;
    if (!call || !(args instanceof PyTuple)) return new UnreadTensor(name || "another class");
    return call(args.items);
  }

  return {
    call: (name, args) => calls.get(name)?.(args),
    persistent: storageOf,
  };
}

/** A view whose values are those of its storage with another sign, or conjugate, says so in a dictionary. */
function flagged(metadata: PyValue | undefined): UnreadTensor | undefined {
  const plain =
    metadata === undefined || metadata === null || (metadata instanceof PyDict && metadata.entries.size === 0);
  return plain ? undefined : new UnreadTensor("values that are not those of its storage");
}

/** ("storage", class, key, device, elements), with None or (key, first, elements) of a view behind it in old files. */
function storageOf(id: PyValue): PyValue | undefined {
  if (!(id instanceof PyTuple) || id.items.length < 5 || id.items.length > 6) return undefined;
  const [tag, type, key, , elements, view = null] = id.items;
  if (tag !== "storage" || !(type instanceof PyGlobal) || !isCount(elements)) return undefined;
  // PyTorch writes numbers as text; no other key can stand in the file.
  if (typeof key !== "string" || !/^\d{1,20}$/.test(key)) return undefined;
  const dtype = STORAGES.get(type.name);
  if (!dtype && type.name !== UNTYPED) return new UnreadTensor(type.name);
  if (view === null) return new TorchStorage(key, dtype, elements, 0);
  const [, first, length] = view instanceof PyTuple ? view.items : [];
  if (!isCount(first) || !isCount(length) || first + length > elements) return undefined;
  return new TorchStorage(key, dtype, length, first);
}

function isCount(value: PyValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function counts(value: PyValue | undefined): number[] | undefined {
  const items = value instanceof PyTuple || value instanceof PyList ? value.items : undefined;
  return items && items.length <= MAX_DIMENSIONS && items.every(isCount) ? [...items] : undefined;
}
