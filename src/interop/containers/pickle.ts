import { PickleReader } from "./pickle-reader.ts";
import { kindOf, PyDict, PyGlobal, PyList, PyObject, PyTuple, type PyValue } from "./pickle-values.ts";

/** What is made of the names in a pickle. These functions are all that can happen beyond data. */
export interface PickleHooks {
  /** What a call of a function, or an object of a class, stands for; undefined for all that is not known. */
  call(name: string, args: readonly PyValue[]): PyValue | undefined;
  /** What stands outside of the pickle under an id; undefined for an id of another form. */
  persistent(id: PyValue): PyValue | undefined;
}

/** Each costs at most some 300 bytes of memory. A checkpoint of 1,000 tensors and its optimiser has 100 thousand. */
export const MAX_OPCODES = 1_000_000;

const HIGHEST_PROTOCOL = 5;

/**
 * Reads one pickle, of protocol 0 to 5, without executing any of it: classes and functions are names, objects and the
 * results of calls are placeholders, but for those that `hooks` knows. Time and memory are linear in the bytes, and bounded
 * by {@link MAX_OPCODES}.
 *
 * @param start the byte it begins at.
 * @returns the value, and the byte behind it.
 * @throws MsmaeError "Checkpoint" for one that is damaged or larger, and for extensions and buffers outside of it.
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  hooks: PickleHooks,
  where: string,
): { value: PyValue; end: number } {
  const reader = new PickleReader(bytes, start, where);
  const machine = new Machine(reader, hooks);
  for (let count = 1; ; count++) {
    if (count > MAX_OPCODES) throw reader.fault(`a pickle of at most ${MAX_OPCODES} opcodes`, "more", PLAIN);
    const code = String.fromCharCode(reader.uint8());
    if (code === ".") return { value: machine.pop(), end: reader.at };
    const run = OPCODES.get(code);
    if (!run) {
      throw reader.fault("an opcode of pickle", `0x${code.charCodeAt(0).toString(16)}`);
    }
    run(machine, reader);
  }
}

const PLAIN = "in Python, save the model's state_dict() alone";

class Machine {
  readonly #reader: PickleReader;
  readonly #hooks: PickleHooks;
  readonly #stack: PyValue[] = [];
  /** Lengths of the stack at the marks. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PyValue>();

  constructor(reader: PickleReader, hooks: PickleHooks) {
    this.#reader = reader;
    this.#hooks = hooks;
  }

  push(value: PyValue): void {
    this.#stack.push(value);
  }

  pop(): PyValue {
    const value = this.top();
    this.#stack.pop();
    return value;
  }

  top(): PyValue {
    const value = this.#stack.length > (this.#marks.at(-1) ?? 0) ? this.#stack.at(-1) : undefined;
    if (value === undefined) throw this.#reader.fault("a value on the stack", "none");
    return value;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** What stands above the last mark, which goes. */
  popToMark(): PyValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#reader.fault("a mark on the stack", "none");
    return this.#stack.splice(mark);
  }

  /** Python's POP takes a mark where that is what lies on top. */
  drop(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  tuple(length: number): void {
    const items = Array.from({ length }, () => this.pop()).reverse();
    this.push(new PyTuple(items));
  }

  put(index: number | bigint): void {
    if (typeof index === "bigint" || index < 0) throw this.#reader.fault("a place in the memo", `${index}`);
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number | bigint): void {
    const value = typeof index === "number" ? this.#memo.get(index) : undefined;
    if (value === undefined) throw this.#reader.fault("a value in the memo", `none at ${index}`);
    this.push(value);
  }

  /** Into the list or set on top. */
  append(items: readonly PyValue[]): void {
    const list = this.top();
    // In the place of an object that is not built, as one of a class that is a list.
    if (list instanceof PyObject) return;
    if (!(list instanceof PyList)) throw this.#reader.fault("a list to append to", kindOf(list));
    for (const item of items) list.items.push(item);
  }

  /** Keys and values in turn, into the dictionary on top. */
  setItems(items: readonly PyValue[]): void {
    const dict = this.top();
    if (items.length % 2 === 1) throw this.#reader.fault("a value for every key", "a key without");
    if (dict instanceof PyObject) return;
    if (!(dict instanceof PyDict)) throw this.#reader.fault("a dictionary to fill", kindOf(dict));
    for (let at = 0; at < items.length; at += 2) dict.set(items[at] as PyValue, items[at + 1] as PyValue);
  }

  stackGlobal(): void {
    const name = this.pop();
    const module = this.pop();
    if (typeof name !== "string" || typeof module !== "string") {
      throw this.#reader.fault("names of a module and of what it has", `${kindOf(module)} and ${kindOf(name)}`);
    }
    this.global(module, name);
  }

  global(module: string, name: string): void {
    this.push(new PyGlobal(`${module}.${name}`));
  }

  /** Calls nothing: what `hooks` does not know is a placeholder. */
  call(callee: PyValue, args: PyValue, called: boolean): void {
    if (!(args instanceof PyTuple)) throw this.#reader.fault("arguments in a tuple", kindOf(args));
    this.callWith(callee, args.items, called);
  }

  callWith(callee: PyValue, args: readonly PyValue[], called: boolean): void {
    if (!(callee instanceof PyGlobal)) {
      this.push(new PyObject(kindOf(callee), called));
      return;
    }
    const { name } = callee;
    const [first] = args;
    // How Python makes objects of classes of the old kind.
    if (called && RECONSTRUCTORS.has(name) && first instanceof PyGlobal) this.push(new PyObject(first.name, false));
    else this.push(this.#hooks.call(name, args) ?? new PyObject(name, called));
  }

  persistent(): void {
    const id = this.pop();
    const value = this.#hooks.persistent(id);
    if (value === undefined) throw this.#reader.fault("an id of a storage", kindOf(id));
    this.push(value);
  }

  /** The state of what is not built is kept as data; other values have all that is needed of them. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof PyObject) target.state = state;
  }
}

const RECONSTRUCTORS = new Set(["copy_reg._reconstructor", "copyreg._reconstructor", "copyreg.__newobj__"]);

type Opcode = (machine: Machine, reader: PickleReader) => void;

function refused(what: string): Opcode {
  return (_, reader) => {
    throw reader.fault("a pickle that stands by itself", what, PLAIN);
  };
}

/** Every opcode but STOP, by its byte. */
const OPCODES: ReadonlyMap<string, Opcode> = new Map<string, Opcode>([
  ["\x80", proto],
  ["\x95", (_, r) => void r.bytes(8)],
  ["(", (m) => m.mark()],
  ["0", (m) => m.drop()],
  ["1", (m) => void m.popToMark()],
  ["2", (m) => m.push(m.top())],

  ["N", (m) => m.push(null)],
  ["\x88", (m) => m.push(true)],
  ["\x89", (m) => m.push(false)],
  ["K", (m, r) => m.push(r.uint8())],
  ["M", (m, r) => m.push(r.uint16())],
  ["J", (m, r) => m.push(r.int32())],
  ["\x8a", (m, r) => m.push(r.long(r.uint8()))],
  ["\x8b", (m, r) => m.push(r.long(r.uint32()))],
  ["G", (m, r) => m.push(r.float64())],
  ["I", int],
  ["L", (m, r) => m.push(r.wholeLine())],
  ["F", (m, r) => m.push(r.floatLine())],

  ["X", (m, r) => m.push(r.text(r.uint32()))],
  ["\x8c", (m, r) => m.push(r.text(r.uint8()))],
  ["\x8d", (m, r) => m.push(r.text(r.uint64()))],
  ["V", (m, r) => m.push(r.line())],
  ["S", (m, r) => m.push(r.quotedLine())],
  ["T", (m, r) => m.push(r.byteText(r.uint32()))],
  ["U", (m, r) => m.push(r.byteText(r.uint8()))],
  ["B", (m, r) => m.push(r.bytes(r.uint32()))],
  ["C", (m, r) => m.push(r.bytes(r.uint8()))],
  ["\x8e", (m, r) => m.push(r.bytes(r.uint64()))],
  ["\x96", (m, r) => m.push(r.bytes(r.uint64()))],

  [")", (m) => m.tuple(0)],
  ["\x85", (m) => m.tuple(1)],
  ["\x86", (m) => m.tuple(2)],
  ["\x87", (m) => m.tuple(3)],
  ["t", (m) => m.push(new PyTuple(m.popToMark()))],
  ["\x91", (m) => m.push(new PyTuple(m.popToMark()))],
  ["]", (m) => m.push(new PyList())],
  ["\x8f", (m) => m.push(new PyList())],
  ["l", list],
  ["a", appendOne],
  ["e", appendAll],
  ["\x90", appendAll],
  ["}", (m) => m.push(new PyDict())],
  ["d", dict],
  ["s", setItem],
  ["u", setItems],

  ["p", (m, r) => m.put(r.wholeLine())],
  ["q", (m, r) => m.put(r.uint8())],
  ["r", (m, r) => m.put(r.uint32())],
  ["\x94", (m) => m.memoize()],
  ["g", (m, r) => m.get(r.wholeLine())],
  ["h", (m, r) => m.get(r.uint8())],
  ["j", (m, r) => m.get(r.uint32())],

  ["c", (m, r) => m.global(r.line(), r.line())],
  ["\x93", (m) => m.stackGlobal()],
  ["R", reduce],
  ["\x81", newObject],
  ["\x92", newObjectWithNames],
  ["i", inst],
  ["o", object],
  ["b", (m) => m.build()],
  ["Q", (m) => m.persistent()],
  ["P", refused("a persistent id as text")],
  ["\x82", refused("an extension code")],
  ["\x83", refused("an extension code")],
  ["\x84", refused("an extension code")],
  ["\x97", refused("a buffer outside of it")],
  ["\x98", refused("a buffer outside of it")],
]);

function proto(_: Machine, reader: PickleReader): void {
  const protocol = reader.uint8();
  if (protocol > HIGHEST_PROTOCOL) throw reader.fault(`protocol ${HIGHEST_PROTOCOL} or lower`, `${protocol}`);
}

/** Protocol 0 has truth values as numbers of two digits. */
function int(machine: Machine, reader: PickleReader): void {
  const { at } = reader;
  const text = reader.line();
  if (text === "00" || text === "01") {
    machine.push(text === "01");
    return;
  }
  reader.at = at;
  machine.push(reader.wholeLine());
}

function appendOne(machine: Machine): void {
  const item = machine.pop();
  machine.append([item]);
}

function appendAll(machine: Machine): void {
  const items = machine.popToMark();
  machine.append(items);
}

function list(machine: Machine): void {
  const items = machine.popToMark();
  machine.push(new PyList());
  machine.append(items);
}

function dict(machine: Machine): void {
  const items = machine.popToMark();
  machine.push(new PyDict());
  machine.setItems(items);
}

function setItem(machine: Machine): void {
  const value = machine.pop();
  const key = machine.pop();
  machine.setItems([key, value]);
}

function setItems(machine: Machine): void {
  const items = machine.popToMark();
  machine.setItems(items);
}

function reduce(machine: Machine): void {
  const args = machine.pop();
  machine.call(machine.pop(), args, true);
}

function newObject(machine: Machine): void {
  const args = machine.pop();
  machine.call(machine.pop(), args, false);
}

function newObjectWithNames(machine: Machine): void {
  machine.pop();
  newObject(machine);
}

function inst(machine: Machine, reader: PickleReader): void {
  machine.global(reader.line(), reader.line());
  const callee = machine.pop();
  machine.callWith(callee, machine.popToMark(), true);
}

function object(machine: Machine): void {
  const [callee, ...args] = machine.popToMark();
  machine.callWith(callee ?? null, args, true);
}
