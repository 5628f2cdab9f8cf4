import { sizeOf } from "../../engine/graph/shape.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { StoredTensor } from "../safetensors.ts";
import { toFloat32 } from "../tensor-values.ts";
import type { Shapes } from "./layout.ts";
import { refuseForeignParts } from "./refusals.ts";
import type { Recognised } from "./registry.ts";

/** How one of our tensors comes of a file's. */
interface Joining {
  shape: readonly number[];
  /** The file's tensors, by their keys there. */
  sources: readonly string[];
  /** Absent where the one source is taken as it is, bit by bit. */
  make?: (values: readonly Float32Array[]) => Float32Array;
}

/** Of images in pixels. */
interface Size {
  height: number;
  width: number;
}

/** A file's model under our keys, before any of its values is read. */
export interface OwnForm {
  tensors: ReadonlyMap<string, Joining>;
  /** Keys of the file that have no place in our models. */
  dropped: readonly string[];
  /** Our keys that the file's model does without, which are zero. */
  zero: readonly string[];
  /** What was computed, a phrase each. */
  notes: readonly string[];
}

/**
 * Brings a file's keys to ours. Queries, keys and values are joined; a bias that is left out is zero; the scale of a branch
 * (layer scale) goes into the branch's last layer, which gives the same outputs; a position table without a row for the cls
 * token gets one of zeros.
 *
 * @param inputSizes images in pixels that the model may have been made for: a table of a square number of rows may be that of
 * the cls token and one patch less.
 * @throws MsmaeError Checkpoint for what our models have no part for, and for shapes that do not belong together.
 */
export function ownForm(
  where: string,
  file: Shapes,
  { layout, sources }: Recognised,
  inputSizes: readonly Size[] = [],
): OwnForm {
  const form = new Form(where);
  const taken = new Set(sources.values());
  form.dropped.push(...[...file.keys()].filter((key) => !taken.has(key)));
  for (const [key, source] of sources) {
    const own = layout.rename(key);
    if (own === undefined) form.dropped.push(source);
    else form.add(own, { shape: file.get(source) as readonly number[], sources: [source] });
  }
  refuseForeignParts(where, form.tensors.keys());
  form.joinQueries();
  form.addBiases();
  form.scaleBranches();
  form.completePositions(inputSizes);
  return form;
}

/** The tensors themselves: those taken as they are share the file's memory. */
export function tensorsOf(
  { tensors }: OwnForm,
  file: ReadonlyMap<string, StoredTensor>,
): ReadonlyMap<string, StoredTensor> {
  const read = (key: string) => file.get(key) as StoredTensor;
  return new Map(
    [...tensors].map(([key, { shape, sources, make }]) => {
      if (!make) return [key, read(sources[0] as string)];
      return [key, stored(shape, make(sources.map((source) => toFloat32(read(source)))))];
    }),
  );
}

/** A tensor of float32 values. */
export function stored(shape: readonly number[], values: Float32Array): StoredTensor {
  return { dtype: "F32", shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

class Form implements OwnForm {
  readonly tensors = new Map<string, Joining>();
  readonly dropped: string[] = [];
  readonly zero: string[] = [];
  readonly notes: string[] = [];
  readonly #where: string;

  constructor(where: string) {
    this.#where = where;
  }

  add(key: string, tensor: Joining): void {
    if (this.tensors.has(key)) throw this.#fault(`one tensor for "${key}"`, "two");
    this.tensors.set(key, tensor);
  }

  /** `attn.q`, `attn.k` and `attn.v` as `attn.qkv`, [3 D, D] and [3 D]. */
  joinQueries(): void {
    const prefixes = new Set(
      [...this.tensors.keys()].flatMap((key) => /^(.*\.attn)\.[qkv]\.\w+$/.exec(key)?.[1] ?? []),
    );
    for (const prefix of prefixes) {
      this.#join(prefix, "weight", this.tensors.get(`${prefix}.q.weight`)?.shape);
      const width = this.tensors.get(`${prefix}.qkv.weight`)?.shape[1] ?? 0;
      this.#join(prefix, "bias", [width]);
    }
    if (prefixes.size > 0) this.notes.push("queries, keys and values joined");
  }

  #join(prefix: string, what: "weight" | "bias", shape: readonly number[] | undefined): void {
    const parts = ["q", "k", "v"].map((name) => this.#take(`${prefix}.${name}.${what}`));
    const found = parts.filter((part) => part !== undefined);
    if (found.length === 0 || !shape) return;
    if (what === "weight" && found.length < 3) throw this.#fault(`${prefix}.q, k and v`, `${found.length} of them`);
    const odd = found.find((part) => part.shape.join() !== shape.join());
    if (odd) throw this.#fault(`${prefix}.q, k and v of [${shape}]`, `[${odd.shape}]`);
    const size = sizeOf(shape);
    const [first = 0, ...rest] = shape;
    this.add(`${prefix}.qkv.${what}`, {
      shape: [3 * first, ...rest],
      sources: found.flatMap(({ sources }) => sources),
      make(values) {
        const joined = new Float32Array(3 * size);
        let next = 0;
        // A part that the model does without stays zero.
        parts.forEach((part, at) => {
          if (part) joined.set(values[next++] as Float32Array, at * size);
        });
        return joined;
      },
    });
  }

  #take(key: string): Joining | undefined {
    const tensor = this.tensors.get(key);
    this.tensors.delete(key);
    return tensor;
  }

  /** Layers that other programs may make without a bias. */
  addBiases(): void {
    for (const [key, { shape }] of [...this.tensors]) {
      const layer = /^(patch_embed\.proj|.*\.attn\.(?:qkv|proj)|.*\.mlp\.fc[12])\.weight$/.exec(key)?.[1];
      if (layer === undefined || this.tensors.has(`${layer}.bias`)) continue;
      const width = shape[0] ?? 0;
      this.zero.push(`${layer}.bias`);
      this.add(`${layer}.bias`, { shape: [width], sources: [], make: () => new Float32Array(width) });
    }
  }

  /** `ls1` and `ls2` within the layers whose outputs they scale. */
  scaleBranches(): void {
    const scales = [...this.tensors.keys()].filter((key) => /\.ls[12]\.gamma$/.test(key));
    for (const key of scales) {
      const scale = this.#take(key) as Joining;
      const layer = key.replace(".ls1.gamma", ".attn.proj").replace(".ls2.gamma", ".mlp.fc2");
      for (const name of [`${layer}.weight`, `${layer}.bias`]) {
        const tensor = this.tensors.get(name);
        if (tensor?.shape[0] !== sizeOf(scale.shape))
          throw this.#fault(`"${name}" of [${scale.shape}] rows`, `[${tensor?.shape}]`);
        this.tensors.set(name, scaledRows(tensor, scale));
      }
    }
    if (scales.length > 0) this.notes.push("layer scale within the projections");
  }

  /** A table [1, L, D] of patches alone, as [1, 1 + L, D]. */
  completePositions(inputSizes: readonly Size[]): void {
    const table = this.tensors.get("pos_embed");
    const [one = 0, rows = 0, width = 0] = table?.shape ?? [];
    if (!table || !Number.isInteger(Math.sqrt(rows)) || rows < 2) return;
    const side = this.tensors.get("patch_embed.proj.weight")?.shape[2] ?? 0;
    if (inputSizes.some((size) => size.height * size.width === (rows - 1) * side ** 2)) return;
    this.tensors.set("pos_embed", {
      shape: [one, 1 + rows, width],
      sources: table.sources,
      make([values]) {
        const completed = new Float32Array((1 + rows) * width);
        completed.set(values as Float32Array, width);
        return completed;
      },
    });
    this.notes.push("no position of the cls token");
  }

  #fault(expected: string, got: string): MsmaeError {
    return new MsmaeError("Checkpoint", { where: this.#where, expected, got, todo: "check where the file comes from" });
  }
}

/** A layer's weight [out, in] or bias [out], each row times its scale. */
function scaledRows({ shape, sources, make }: Joining, scale: Joining): Joining {
  const row = sizeOf(shape.slice(1));
  return {
    shape,
    sources: [...sources, ...scale.sources],
    make(all) {
      const [values, factors] = [all.slice(0, -1), all.at(-1) as Float32Array];
      const unscaled = make ? make(values) : (values[0] as Float32Array);
      return unscaled.map((value, at) => value * (factors[Math.floor(at / row)] as number));
    },
  };
}
