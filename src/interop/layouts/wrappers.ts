/** The kernels by which a vision transformer is found within what wraps it: ours, and Hugging Face's. */
const ANCHORS = ["patch_embed.proj.weight", "embeddings.patch_embeddings.projection.weight"];

/** Copies of a model that are meant to be used, where a trainer keeps several. */
const PREFERRED = /(^|\.)(teacher|model_ema|state_dict_ema|ema)\./;

/** Names that wrap a part of a model, beside which its head or decoder stands. */
const PARTS = /(^|\.)(vit|dinov2|backbone|encoder)\.$/;

/** The keys of the vision transformer within a file. */
export interface ModelKeys {
  /** What stood before each of them, often nothing. */
  wrapper: string;
  /** The file's key for each of them. */
  sources: ReadonlyMap<string, string>;
}

/** Finds the model within what training programs wrap it in; undefined where there is none. */
export function modelKeys(file: readonly string[]): ModelKeys | undefined {
  const wrappers = file.flatMap((key) =>
    ANCHORS.filter((anchor) => key === anchor || key.endsWith(`.${anchor}`)).map((anchor) =>
      key.slice(0, -anchor.length),
    ),
  );
  const wrapper = wrappers.find((name) => PREFERRED.test(name)) ?? wrappers[0];
  if (wrapper === undefined) return undefined;
  const sources = new Map<string, string>();
  for (const key of file) if (key.startsWith(wrapper)) sources.set(key.slice(wrapper.length), key);
  if (PARTS.test(wrapper)) {
    const around = wrapper.replace(PARTS, "$1");
    for (const key of file) {
      const name = key.slice(around.length);
      if (key.startsWith(around) && !key.startsWith(wrapper) && !sources.has(name)) sources.set(name, key);
    }
  }
  return { wrapper, sources };
}
