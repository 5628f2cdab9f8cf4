import type protobuf from "protobufjs/minimal.js";

/** A parameter that an initialiser stands for. */
export interface Target {
  name: string;
  /** The initialiser is the parameter transposed. */
  turned: boolean;
}

/** Tags of a node's fields, all of them text. */
const TAG = { input: (1 << 3) | 2, output: (2 << 3) | 2, name: (3 << 3) | 2, operator: (4 << 3) | 2 };

/** What an exporter gave no name. */
const ANONYMOUS = /^onnx::/;

/** No model has more. */
const MAX_NODES = 1_000_000;

/**
 * Which parameters of a PyTorch model its initialisers are. PyTorch's exporter writes the weights of linear layers transposed and
 * without a name, before a MatMul whose name is the layer's place (`/blocks/blocks.0/mlp/fc1/MatMul`); of parameters with equal
 * values it keeps one, and names the others by an Identity.
 */
export class ParameterNames {
  readonly #identities = new Map<string, string>();
  /** The layers' names by the weights they take. */
  readonly #layers = new Map<string, string[]>();
  #nodes = 0;

  /** Reads one node and passes over its attributes. @throws Error where the model has too many. */
  readNode(reader: protobuf.Reader, length: number): void {
    this.#nodes++;
    if (this.#nodes > MAX_NODES) throw new Error(`more than ${MAX_NODES} nodes`);
    const end = reader.pos + length;
    const inputs: string[] = [];
    const outputs: string[] = [];
    let name = "";
    let operator = "";
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === TAG.input) inputs.push(reader.string());
      else if (tag === TAG.output) outputs.push(reader.string());
      else if (tag === TAG.name) name = reader.string();
      else if (tag === TAG.operator) operator = reader.string();
      else reader.skipType(tag & 7);
    }
    const [first, second] = inputs;
    const [output] = outputs;
    if (operator === "Identity" && first !== undefined && output !== undefined) this.#identities.set(output, first);
    if (operator !== "MatMul" || second === undefined || !ANONYMOUS.test(second)) return;
    const layer = layerOf(name);
    if (layer === undefined) return;
    const layers = this.#layers.get(second);
    if (layers) layers.push(layer);
    else this.#layers.set(second, [layer]);
  }

  /** By the initialiser's name; those that are not in it stand for themselves alone. */
  targets(): Map<string, Target[]> {
    const targets = new Map<string, Target[]>();
    const add = (value: string, target: Target) => {
      const source = this.#sourceOf(value);
      const own = ANONYMOUS.test(source) ? [] : [{ name: source, turned: false }];
      const found = targets.get(source);
      if (found) found.push(target);
      else targets.set(source, [...own, target]);
    };
    for (const output of this.#identities.keys()) {
      if (isParameter(output)) add(output, { name: output, turned: false });
    }
    for (const [weight, layers] of this.#layers) {
      for (const layer of layers) add(weight, { name: `${layer}.weight`, turned: true });
    }
    return targets;
  }

  /** What an Identity, or one of another, is of. */
  #sourceOf(value: string): string {
    let source = value;
    // Two of them that take each other are no model, and end here too.
    for (let steps = 0; steps < 16; steps++) source = this.#identities.get(source) ?? source;
    return source;
  }
}

/** Values that nodes compute begin with a slash or are numbers. */
function isParameter(name: string): boolean {
  return /^[A-Za-z_]\w*(\.\w+)+$/.test(name);
}

/** `/blocks/blocks.0/mlp/fc1/MatMul` is in `blocks.0.mlp.fc1`: each part of a list of layers bears the list's name too. */
function layerOf(node: string): string | undefined {
  const parts = node.split("/").slice(1, -1);
  const names = parts.filter((part, at) => !parts[at + 1]?.startsWith(`${part}.`));
  return names.length > 0 ? names.join(".") : undefined;
}
