/** Names under which PyTorch programs hold the model: data parallel, compiled, or part of something larger. */
const WRAPPERS = ["module.", "_orig_mod.", "model.", "encoder.", "backbone."];

/** Tensors without the names of what wrapped their model, where all of them bear the same. */
export function unwrapped<T>(tensors: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const keys = [...tensors.keys()];
  const wrapper = WRAPPERS.find((name) => keys.length > 0 && keys.every((key) => key.startsWith(name)));
  if (wrapper === undefined) return tensors;
  return unwrapped(new Map([...tensors].map(([key, tensor]) => [key.slice(wrapper.length), tensor])));
}

/** Under which names programs save the weights of a model beside other things, the first of them that is there. */
const PARTS = [
  "model",
  "state_dict",
  "model_state_dict",
  "model_state",
  "module",
  "teacher",
  "student",
  "target_encoder",
  "encoder",
  "backbone",
  "network",
  "net",
  "params",
  "weights",
];

/** Which of the parts of a checkpoint is the model; undefined where none has a name that says so. */
export function preferredPart(names: readonly string[]): string | undefined {
  return PARTS.find((part) => names.includes(part));
}
