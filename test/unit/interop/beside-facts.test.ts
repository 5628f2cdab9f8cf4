import { describe, expect, test } from "vitest";
import { besideFacts } from "../../../src/interop/beside-facts.ts";

describe("what stands beside weights", () => {
  test("Hugging Face's configuration and preprocessor", () => {
    const config = {
      ...{ model_type: "vit_mae", num_attention_heads: 12, decoder_num_attention_heads: 16, image_size: 224 },
      ...{ layer_norm_eps: 1e-12, norm_pix_loss: true, id2label: { "10": "c", "0": "a", "1": "b" } },
    };
    expect(besideFacts("x", config, { image_mean: [0.1, 0.2, 0.3], image_std: [1, 2, 3] })).toEqual({
      ...{ numHeads: 12, decoderHeads: 16, inputSize: { height: 224, width: 224 }, normEpsilon: 1e-12 },
      ...{ normPixLoss: true, classNames: ["a", "b", "c"] },
      normalization: { mean: [0.1, 0.2, 0.3], std: [1, 2, 3] },
    });
    expect(besideFacts("x", { model_type: "vit", image_size: [224, 320] }, undefined)).toEqual({
      inputSize: { height: 224, width: 320 },
    });
  });

  test("timm's configuration", () => {
    const cfg = { mean: [0.5, 0.5, 0.5], std: [0.4, 0.4, 0.4], input_size: [3, 224, 240], crop_pct: 0.9 };
    expect(besideFacts("x", { architecture: "vit_tiny_patch16_224", pretrained_cfg: cfg }, undefined)).toEqual({
      normalization: { mean: [0.5, 0.5, 0.5], std: [0.4, 0.4, 0.4] },
      inputSize: { height: 224, width: 240 },
    });
  });

  test("files of something else say nothing", () => {
    expect(besideFacts("x", undefined, undefined)).toEqual({});
    expect(besideFacts("x", { name: "a program" }, [1, 2])).toEqual({});
    expect(besideFacts("x", "text", { image_mean: ["a"], image_std: [1] })).toEqual({});
  });

  test.each([
    [{ hidden_act: "gelu_new" }, /the activation gelu_new/],
    [{ use_swiglu_ffn: true }, /a gated MLP/],
  ])("a model that ours cannot be is refused: %o", (more, message) => {
    expect(() => besideFacts("x", { model_type: "dinov2", ...more }, undefined)).toThrow(message);
  });
});
