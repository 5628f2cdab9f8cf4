import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const exportModel = resultVerb({
  options: verbs.exportModel,
  summary: "Write a model as ONNX, for Python, JavaScript, C++ and other programs.",
  example: "export --checkpoint run/best.safetensors --preprocess model.onnx",
  notes:
    "Checkpoints of other programs are brought to ours by convert first. What goes in and comes out stands in docs/interop.md.",
  run: async (options, hooks) => (await import("../../../inference/export-model.ts")).exportModel(options, hooks),
  view: ({ path, inputs, outputs, bytes, drop, quantization, measured }) =>
    formatRecord({
      ...{ path, inputs: inputs.map(told), outputs: outputs.map(told), bytes },
      ...(quantization && { ...quantization, sensitivity: quantization.sensitivity?.map(harm) }),
      ...(measured && { drop, measured }),
    }),
});

/** A tensor as `name dtype [shape]`. */
function told({ name, dtype, shape }: { name: string; dtype: string; shape: readonly (number | string)[] }): string {
  return `${name} ${dtype} [${shape.join(", ")}]`;
}

/** What a layer alone does to the loss. */
function harm({ layer, loss }: { layer: string; loss: number }): string {
  return `${layer}: loss ${loss < 0 ? "" : "+"}${loss.toPrecision(2)}`;
}
