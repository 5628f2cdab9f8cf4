import { preferredPart } from "../unwrapping.ts";
import { containerFault } from "./container.ts";
import { kindOf, PyDict, PyList, PyObject, PyTuple, type PyValue } from "./pickle-values.ts";
import { TorchTensor, UnreadTensor } from "./torch-values.ts";

/** The model's tensors in what was saved, and the rest in words. */
export interface TorchState {
  tensors: Map<string, TorchTensor>;
  beside: Map<string, string>;
}

type Container = PyDict | PyList | PyTuple;

const MAX_DEPTH = 32;
/** No honest file has more; the same part can stand in many places, so that names can be more than values. */
const MAX_VALUES = 200_000;
/** Lines that say what stands beside the tensors. */
const MAX_BESIDE = 200;

const SAVE = "in Python: torch.save(model.state_dict(), path)";

/**
 * Finds the model in what torch.save was given: the dictionary of its tensors is under `model`, `state_dict`, `teacher` or the
 * like, or all there is. Names of dictionaries and lists within it are joined by dots.
 *
 * @throws MsmaeError "Checkpoint" where there is no tensor, a name is no text or there twice, and where something that is not
 * built stands in a tensor's place.
 */
export function stateOf(root: PyValue, where: string): TorchState {
  const beside = new Map<string, string>();
  if (root instanceof TorchTensor) return { tensors: new Map([["tensor", root]]), beside };
  const holders = holdersOf(root);
  if (!isContainer(root) || !holders.has(root)) {
    throw containerFault(where, "tensors", isContainer(root) ? "none" : kindOf(root), SAVE);
  }
  const note = (name: string, value: PyValue) => {
    if (beside.size < MAX_BESIDE)
      beside.set(name, holders.has(value) ? `${kindOf(value)}, with tensors` : kindOf(value));
    if (!(value instanceof PyObject && value.state instanceof PyDict)) return;
    for (const [key, item] of value.state.entries) {
      const isPlain = typeof item === "string" || typeof item === "number" || typeof item === "boolean";
      if (isPlain && typeof key === "string" && beside.size < MAX_BESIDE) beside.set(`${name}.${key}`, kindOf(item));
    }
  };
  const part = modelIn(root, holders, note);
  const tensors = new Map<string, TorchTensor>();
  const walk = { where, holders, tensors, note, values: 0 };
  collect(walk, part, "", 0);
  return { tensors, beside };
}

/** From the whole down to the model's own dictionary; what is passed by is noted. */
function modelIn(
  root: Container,
  holders: ReadonlySet<PyValue>,
  note: (name: string, value: PyValue) => void,
): Container {
  let part = root;
  for (let depth = 0; depth < MAX_DEPTH && part instanceof PyDict; depth++) {
    const names: string[] = [];
    for (const [key, value] of part.entries) {
      if (typeof key === "string" && isContainer(value) && holders.has(value)) names.push(key);
    }
    const isBare = [...part.entries.values()].every((value) => !(value instanceof TorchTensor));
    const chosen = preferredPart(names) ?? (isBare && names.length === 1 ? names[0] : undefined);
    if (chosen === undefined) break;
    for (const [key, value] of part.entries) if (key !== chosen) note(textOf(key) ?? kindOf(key), value);
    part = part.entries.get(chosen) as Container;
  }
  return part;
}

interface Walk {
  where: string;
  holders: ReadonlySet<PyValue>;
  tensors: Map<string, TorchTensor>;
  note: (name: string, value: PyValue) => void;
  values: number;
}

function collect(walk: Walk, part: Container, prefix: string, depth: number): void {
  const { where, holders, tensors, note } = walk;
  if (depth === MAX_DEPTH) throw containerFault(where, `tensors in at most ${MAX_DEPTH} levels`, "more", SAVE);
  const items = itemsOf(part);
  const hasTensors = items.some(([, value]) => value instanceof TorchTensor);
  for (const [key, value] of items) {
    walk.values++;
    if (walk.values > MAX_VALUES) throw containerFault(where, `at most ${MAX_VALUES} values`, "more", SAVE);
    const text = textOf(key);
    const isNeeded = value instanceof TorchTensor || holders.has(value);
    if (text === undefined && isNeeded) throw containerFault(where, "names of text for tensors", kindOf(key), SAVE);
    const name = `${prefix}${text ?? kindOf(key)}`;
    if (value instanceof TorchTensor) {
      if (tensors.has(name)) throw containerFault(where, "each name once", `"${name}" twice`, SAVE);
      tensors.set(name, value);
    } else if (isContainer(value) && holders.has(value)) {
      collect(walk, value, `${name}.`, depth + 1);
    } else if (value instanceof UnreadTensor || (hasTensors && isCall(value) && !name.endsWith("_extra_state"))) {
      throw containerFault(`${where}: "${name}"`, "a tensor of a type that is read", kindOf(value), SAVE);
    } else {
      note(name, value);
    }
  }
}

/** Objects that stand beside tensors in one dictionary are left out; what a function would give may have been a tensor. */
function isCall(value: PyValue): boolean {
  return value instanceof PyObject && value.called;
}

function itemsOf(part: Container): [PyValue, PyValue][] {
  return part instanceof PyDict ? [...part.entries] : part.items.map((value, index) => [index, value]);
}

function textOf(key: PyValue): string | undefined {
  return typeof key === "string" ? key : typeof key === "number" ? `${key}` : undefined;
}

function isContainer(value: PyValue): value is Container {
  return value instanceof PyDict || value instanceof PyList || value instanceof PyTuple;
}

/** The containers with a tensor in them, read or not, at any depth. Each is looked at once, however often and wherever it stands. */
function holdersOf(root: PyValue): Set<PyValue> {
  const parents = new Map<PyValue, Container[]>();
  const found: PyValue[] = [];
  const queue: Container[] = isContainer(root) ? [root] : [];
  const seen = new Set<PyValue>(queue);
  for (let part = queue.pop(); part; part = queue.pop()) {
    for (const value of part instanceof PyDict ? part.entries.values() : part.items) {
      if (value instanceof TorchTensor || value instanceof UnreadTensor) found.push(part);
      if (!isContainer(value)) continue;
      const above = parents.get(value);
      if (above) above.push(part);
      else parents.set(value, [part]);
      if (seen.has(value)) continue;
      seen.add(value);
      queue.push(value);
    }
  }
  const holders = new Set<PyValue>();
  for (let part = found.pop(); part !== undefined; part = found.pop()) {
    if (holders.has(part)) continue;
    holders.add(part);
    for (const above of parents.get(part) ?? []) found.push(above);
  }
  return holders;
}
