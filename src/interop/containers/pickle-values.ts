/** What unpickling gives: data alone. Nothing of it has been called, and dictionaries are Maps, so that no key reaches an object. */
export type PyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyTuple
  | PyList
  | PyDict
  | PyGlobal
  | PyObject
  | PyRead;

export class PyTuple {
  readonly items: readonly PyValue[];

  constructor(items: readonly PyValue[]) {
    this.items = items;
  }
}

/** A list or a set. */
export class PyList {
  readonly items: PyValue[] = [];
}

export class PyDict {
  // Made when it is needed: a hostile file can hold a million empty ones.
  #entries: Map<PyValue, PyValue> | undefined;

  get entries(): ReadonlyMap<PyValue, PyValue> {
    return this.#entries ?? NONE;
  }

  set(key: PyValue, value: PyValue): void {
    this.#entries ??= new Map();
    this.#entries.set(key, value);
  }
}

const NONE: ReadonlyMap<PyValue, PyValue> = new Map();

/** The name of a class or function. It stands for nothing but itself. */
export class PyGlobal {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** In the place of an object that is not built, or of what a call that is not made would give. */
export class PyObject {
  /** What it was to be filled with, where the pickle says. */
  state: PyValue = null;

  readonly name: string;
  /** Whether a function was to be called for it, rather than an object of a class made. */
  readonly called: boolean;

  constructor(name: string, called: boolean) {
    this.name = name;
    this.called = called;
  }
}

/** What the one who unpickles makes of calls and persistent ids that it knows. */
export abstract class PyRead {
  /** What errors call it. */
  abstract readonly title: string;
}

/** What an error calls a value. */
export function kindOf(value: PyValue): string {
  if (value === null) return "None";
  if (value instanceof PyGlobal) return value.name;
  if (value instanceof PyObject) return value.called ? `a call of ${value.name}` : `an object of ${value.name}`;
  if (value instanceof PyTuple) return `a tuple of ${value.items.length}`;
  if (value instanceof PyList) return `a list of ${value.items.length}`;
  if (value instanceof PyDict) return `a dictionary of ${value.entries.size}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === "object" ? value.title : `${value}`.slice(0, 200);
}
