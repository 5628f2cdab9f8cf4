/** Names under which PyTorch programs hold the model: data parallel, compiled, or part of something larger. */
const WRAPPERS = ["module.", "_orig_mod.", "model.", "encoder.", "backbone."];

/** Tensors without the names of what wrapped their model, where all of them bear the same. */
export function unwrapped<T>(tensors: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const keys = [...tensors.keys()];
  const wrapper = WRAPPERS.find((name) => keys.length > 0 && keys.every((key) => key.startsWith(name)));
  if (wrapper === undefined) return tensors;
  return unwrapped(new Map([...tensors].map(([key, tensor]) => [key.slice(wrapper.length), tensor])));
}
