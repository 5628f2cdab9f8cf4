import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";
import { kindOf, type ModelDescription, writeModelFile } from "../../src/interop/model-file.ts";
import { classifier, pretrained, writeMicroModel } from "../e2e/micro-models.ts";

const { config } = classifier;
const { inputHeight, inputWidth, inChans, numClasses } = config;
const image = { inputHeight, inputWidth, inChans, numClasses };
const { globalPool: _, ...encoder } = config as typeof config & { globalPool: string };
const of = (changes: object): ModelDescription => ({ ...classifier, ...changes });
const pixels = (head: string, classes: readonly string[], deepSupervision = false) =>
  of({
    kind: "segmenter",
    classNames: classes,
    config: { ...encoder, numClasses: classes.length, head, headWidth: 4, taps: [0, 1], deepSupervision },
  });

/** A small model of every kind, and of every meaning of outputs. */
export const models: Readonly<Record<string, ModelDescription>> = {
  classifier: of({ temperature: 2.5 }),
  cls: of({ config: { ...config, inChans: 1, globalPool: "cls" }, mean: [0.4], std: [0.3] }),
  findings: of({ target: { kind: "findings", thresholds: [0.2, 0.5, 0.7] } }),
  grades: of({ target: { kind: "grades" }, temperature: 0.6, config: { ...config, numClasses: 2 } }),
  number: of({
    target: { kind: "number", mean: 61.5, deviation: 12.5 },
    classNames: ["age"],
    config: { ...config, numClasses: 1 },
  }),
  "linear-probe": of({ kind: "linear-probe" }),
  pup: pixels("setr-pup", ["background", "tumour"], true),
  naive: pixels("setr-naive", ["background", "a", "b"]),
  light: pixels("light", ["background", "tumour"]),
  resnet: of({ kind: "resnet", config: { ...image, width: 8, depths: [1, 1, 1, 1] } }),
  swin: of({
    kind: "swin",
    config: { ...image, patchSize: 8, depths: [1, 2], numHeads: [1, 2], embedDim: 8, windowSize: 2, mlpRatio: 2 },
  }),
  encoder: of({ kind: "encoder" }),
  pretrained: pretrained as ModelDescription,
};

/** What an exported model is fed, as JSON has it. */
export interface ExportedFeed {
  name: string;
  dtype: "float32" | "uint8";
  dims: number[];
  values: number[];
}

/** Writes a checkpoint of random weights, whose logits are so small that rounding does not show in probabilities. */
export async function writeModel(path: string, description: ModelDescription): Promise<void> {
  const weights = await writeMicroModel(path, description);
  if (description.kind !== "segmenter") return;
  const tensors = kindOf(description)
    .specs(description.config)
    .map(({ name, shape }) => {
      const data = weights.get(name) as Float32Array;
      return [
        name,
        { shape, data: name.endsWith("cls_seg.weight") ? data.map((value) => value / 1e4) : data },
      ] as const;
    });
  await writeModelFile(path, description, new Map(tensors));
}

/** The pixels of pictures of one size as a program without msmae has them, [batch, C, h, w]. */
export async function pixelsOf(paths: readonly string[]): Promise<Tensor> {
  const planes: number[] = [];
  let dims: number[] = [];
  for (const path of paths) {
    const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
    for (let channel = 0; channel < info.channels; channel++) {
      for (let at = channel; at < data.length; at += info.channels) planes.push(data[at] as number);
    }
    dims = [info.channels, info.height, info.width];
  }
  return new Tensor("uint8", Uint8Array.from(planes), [paths.length, ...dims]);
}

/** What an ONNX file gives of a batch, by name. */
export async function runFile(
  path: string,
  feeds: Record<string, Tensor>,
  how: InferenceSession.SessionOptions = {},
): Promise<Record<string, Float32Array>> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1, ...how });
  const outputs = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]));
}
