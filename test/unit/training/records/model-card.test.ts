import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { classifierKind } from "../../../../src/method/kinds/classifier.ts";
import { pretrainedKind } from "../../../../src/method/kinds/pretrained.ts";
import { type ModelCardInput, modelCard } from "../../../../src/training/records/model-card.ts";

const input: ModelCardInput = {
  modelName: "vit_tiny_patch16",
  kind: classifierKind,
  classNames: ["glioma", "no_tumour <b>"],
  inputSize: [224, 320],
  inChans: 1,
  trainingData: { name: "Brain: MRI", classCounts: { glioma: 10, "no_tumour <b>": 5 } },
  trainingSummary: ["Pre-trained for 3 epochs.", "Fine-tuned for 2."],
  hyperparameters: { blr: 0.001, clsLoss: "softmax-ce" },
  command: "msmae finetune --data-path brain",
  results: [
    { name: "Accuracy", type: "accuracy", value: 0.91234, split: "test" },
    { name: "Macro F1", type: "f1", value: 0.9, split: "val" },
  ],
  msmaeVersion: "0.1.0",
};

function split(card: string): { front: Record<string, unknown>; body: string } {
  const [, front = "", ...body] = card.split(/^---$/m);
  return { front: parse(front), body: body.join("---") };
}

describe("modelCard", () => {
  const { front, body } = split(modelCard(input));

  test("front matter is what the hub reads", () => {
    expect(front).toEqual({
      license: "other",
      library_name: "msmae",
      pipeline_tag: "image-classification",
      tags: ["msmae", "masked-autoencoder", "vision-transformer", "medical-imaging"],
      metrics: ["accuracy", "f1"],
      "model-index": [
        {
          name: "vit_tiny_patch16",
          results: [
            {
              task: { type: "image-classification" },
              dataset: { name: "Brain: MRI", type: "imagefolder", split: "test" },
              metrics: [{ name: "Accuracy", type: "accuracy", value: 0.91234 }],
            },
            {
              task: { type: "image-classification" },
              dataset: { name: "Brain: MRI", type: "imagefolder", split: "val" },
              metrics: [{ name: "Macro F1", type: "f1", value: 0.9 }],
            },
          ],
        },
      ],
    });
  });

  test.each([
    "Not a medical device",
    "## Intended use",
    "## Training data",
    "## How it was trained",
    "## Results",
    "## Limitations",
    "## Citation",
    "Grey images of 224 × 320 pixels",
    "| Accuracy | test | 0.9123 |",
    "| glioma | 10 |",
    "15 images",
    "| `blr` | 0.001 |",
    "msmae finetune --data-path brain",
    "arXiv:2305.05871",
  ])("the body says: %s", (part) => expect(body).toContain(part));

  test("class names cannot inject markup", () => {
    expect(body).toContain("no\\_tumour \\<b\\>");
    expect(body).not.toContain("no_tumour <b>");
  });

  test("names cannot steer the terminal of who reads the card", () => {
    const name = "a\u001b[2J\u202eb\nc";
    const card = modelCard({ ...input, classNames: [name], trainingData: { name, classCounts: { [name]: 1 } } });
    expect(card).toContain("a\\\\u001b\\[2J\\\\u202eb c");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come out
    expect(card).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/);
  });

  test("without results it says so, and the front matter has no empty lists", () => {
    const bare = split(
      modelCard({ ...input, kind: pretrainedKind, licence: "apache-2.0", results: [], hyperparameters: {} }),
    );
    expect(bare.front).toEqual({
      license: "apache-2.0",
      library_name: "msmae",
      pipeline_tag: "image-feature-extraction",
      tags: ["msmae", "masked-autoencoder", "vision-transformer", "medical-imaging"],
    });
    expect(bare.body).toContain("Not evaluated.");
  });
});
