import { classificationMetrics } from "../../../src/results/metrics/index.ts";
import type { ReportInput } from "../../../src/results/report/index.ts";
import { type Grid, pointingGame, type RgbImage } from "../../../src/results/visual/index.ts";
import { RandomStream } from "../../../src/support/random.ts";

const SIZE = 64;
const CELLS = 8;

interface Lesion {
  x: number;
  y: number;
  radius: number;
}

/** A made-up scan: a dim, noisy disc with one bright spot. */
function phantom(random: RandomStream, { x: lx, y: ly, radius }: Lesion): RgbImage {
  const data = new Uint8Array(SIZE * SIZE * 3);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const body = Math.hypot(x - 32, y - 32) < 27 ? 80 + 25 * Math.sin(x / 5) * Math.cos(y / 7) : 8;
      const spot = 110 * Math.exp(-((Math.hypot(x - lx, y - ly) / radius) ** 2));
      const level = Math.min(255, Math.max(0, body + spot + 9 * random.normal()));
      data.fill(level, (y * SIZE + x) * 3, (y * SIZE + x) * 3 + 3);
    }
  }
  return { width: SIZE, height: SIZE, data };
}

function lesionMask({ x: lx, y: ly, radius }: Lesion): Grid {
  const data = Uint8Array.from({ length: SIZE * SIZE }, (_, i) =>
    Number(Math.hypot((i % SIZE) - lx, Math.floor(i / SIZE) - ly) <= radius),
  );
  return { height: SIZE, width: SIZE, data };
}

/** A map that is noise plus a bump of the given strength at the lesion. */
function attention(random: RandomStream, { x, y }: Lesion, strength: number): Grid {
  const data = Float32Array.from({ length: CELLS * CELLS }, (_, i) => {
    const distance = Math.hypot((i % CELLS) * 8 + 4 - x, Math.floor(i / CELLS) * 8 + 4 - y);
    return 0.6 * random.uniform() + strength * Math.exp(-((distance / 8) ** 2));
  });
  return { height: CELLS, width: CELLS, data };
}

function blurred({ width, height, data }: RgbImage): RgbImage {
  const result = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    let sum = 0;
    for (let dy = -2; dy <= 2; dy++) {
      for (let dx = -2; dx <= 2; dx++) sum += data[i + (dy * width + dx) * 3] ?? 0;
    }
    result[i] = sum / 25;
  }
  return { width, height, data: result };
}

/** A report on made-up data in which every section occurs. */
export function exampleReport(classNames = ["glioma", "meningioma", "no tumour", "pituitary"]): ReportInput {
  const random = RandomStream.for(7, "evaluation");
  const classes = classNames.length;
  const labels = Array.from({ length: 240 }, () => random.integer(0, classes - 1));
  const probabilities = labels.flatMap((label) => {
    const weights = classNames.map((_, k) => Math.exp(1.3 * random.normal() + (k === label ? 2.6 : 0)));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / sum);
  });
  const lesions = Array.from({ length: 24 }, () => ({
    x: random.integer(18, 46),
    y: random.integer(18, 46),
    radius: random.integer(4, 7),
  }));
  const masks = lesions.map(lesionMask);
  const random_ = lesions.map((lesion) => attention(random, lesion, 0));
  const supervised = lesions.map((lesion) => attention(random, lesion, 0.5));
  const images = lesions.map((lesion) => phantom(random, lesion));
  const epochs = Array.from({ length: 20 }, (_, epoch) => epoch);
  return {
    title: "msmae demo: brain phantoms",
    lead: "A small vision transformer, pre-trained with attention-driven masking and fine-tuned on made-up data.",
    summary: [
      { label: "Model", value: "vit_tiny_patch16, 64 × 64 pixels, patches of 8" },
      { label: "Training data", value: "960 images, 4 classes" },
      { label: "Pre-training", value: "20 epochs, attention-driven from epoch 6" },
      { label: "Fine-tuning", value: "12 epochs, 16 of 64 patches kept" },
      { label: "Time", value: "2 min 41 s" },
    ],
    curves: [
      {
        title: "Pre-training: reconstruction",
        yTitle: "mean squared error",
        series: [{ name: "train", points: epochs.map((e) => [e, 0.9 * Math.exp(-e / 6) + 0.12] as const) }],
      },
      {
        title: "Fine-tuning: loss",
        yTitle: "cross-entropy",
        series: [
          { name: "train", points: epochs.map((e) => [e, 1.3 * Math.exp(-e / 5) + 0.3] as const) },
          {
            name: "validation",
            points: epochs.map((e) => [e, e === 3 ? Number.NaN : 1.2 * Math.exp(-e / 6) + 0.4] as const),
          },
        ],
      },
      {
        title: "Validation accuracy",
        yTitle: "accuracy",
        yFormat: ".0%",
        series: [{ name: "validation", points: epochs.map((e) => [e, 0.95 - 0.7 * Math.exp(-e / 4)] as const) }],
      },
      {
        title: "Learning rate",
        yTitle: "learning rate",
        yFormat: ".1e",
        series: [
          { name: "lr", points: epochs.map((e) => [e, 1e-3 * Math.min(e / 4, Math.cos((e - 4) / 10.5))] as const) },
        ],
      },
    ],
    evaluation: { split: "test", metrics: classificationMetrics({ probabilities, labels, classNames }) },
    attention: {
      examples: images.slice(0, 3).map((image, i) => ({
        caption: `test/${classNames[i % classes]}/${String(i).padStart(4, "0")}.png: predicted ${classNames[i % classes]} (9${i} %)`,
        image,
        maps: [
          { name: "random weights", map: random_[i] as Grid },
          { name: "supervised pre-training", map: supervised[i] as Grid },
        ],
        lesion: masks[i] as Grid,
      })),
    },
    pointingGame: {
      results: [
        { name: "random weights", result: pointingGame(random_, masks) },
        { name: "supervised pre-training", result: pointingGame(supervised, masks) },
      ],
    },
    reconstructions: images.slice(3, 5).map((original, i) => ({
      caption: `test/${classNames[i % classes]}/${String(i).padStart(4, "0")}.png`,
      original,
      mask: Int8Array.from({ length: CELLS * CELLS }, () => [1, 1, -1, 0][random.integer(0, 3)] as number),
      patchSize: SIZE / CELLS,
      reconstruction: blurred(original),
    })),
    provenance: {
      seed: 7,
      command: "npx msmae demo --output-dir runs/demo --seed 7",
      environment: [
        { label: "msmae", value: "0.1.0" },
        { label: "Node", value: "24.21.0" },
        { label: "ONNX Runtime", value: "1.30.0, cpu, 2 threads" },
      ],
      configYaml: "model: msmae_vit_tiny_patch16\nepochs: 20\nblr: 0.001\n",
    },
  };
}
