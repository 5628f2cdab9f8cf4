import { describe, expect, test } from "vitest";
import { armOptions, pretrainOptions, readPlan } from "../../../src/experiments/plan.ts";
import { builtInPlan, narrowed } from "../../../src/experiments/plans.ts";

const text = `
title: two arms
data: { path: images }
seeds: 2
options: { model: micro_patch8, inputSize: 32, batchSize: 8, labelShare: 0.1, clsLossWeight: 0.5 }
pretrain:
  sup: { epochs: 3 }
finetune:
  scratch: { method: vit, epochs: 2 }
  from-sup: { from: sup, epochs: 2, model: vit_mini_patch16, patchSize: 8 }
differences: [[from-sup, scratch]]
`;

describe("a plan", () => {
  test("gives each training its own options over the shared ones that its verb has", () => {
    const plan = readPlan(text, "plan.yaml");
    const places = { dataPath: "d", outputDir: "o", seed: 7 };
    const shared = { recipe: "paper", inputSize: 32, batchSize: 8, labelShare: 0.1 };
    expect(pretrainOptions(plan, "sup", places)).toEqual({
      ...{ ...shared, ...places, model: "msmae_vit_micro_patch8" },
      ...{ clsLossWeight: 0.5, epochs: 3 },
    });
    expect(armOptions(plan, { verb: "finetune", name: "from-sup" }, { ...places, checkpoint: "c" })).toEqual({
      ...{ ...shared, ...places, model: "vit_mini_patch16" },
      ...{ patchSize: 8, epochs: 2, finetune: "c" },
    });
    const scratch = armOptions(plan, { verb: "finetune", name: "scratch" }, { ...places, checkpoint: undefined });
    expect(scratch).toMatchObject({ model: "vit_micro_patch8", method: "vit", init: "scratch" });
    expect(scratch).not.toHaveProperty("finetune");
  });

  test.each([
    ["no YAML", "title: [", /plan.yaml:1:/],
    ["no data", text.replace(/data:.*\n/, ""), /plan.yaml, data/],
    [
      "a pre-training that is not there",
      text.replace("from: sup", "from: sub"),
      /from: expected one of sup, got "sub"/,
    ],
    ["a difference of an unknown arm", text.replace("scratch]]", "none]]"), /expected one of scratch, from-sup/],
    ["an arm to be equal that is not there", `${text}equal: [[none, scratch]]\n`, /expected one of scratch, from-sup/],
    [
      "no arm",
      text.replace(/finetune:[\s\S]*/, "").replace("differences", "x"),
      /expected arms under finetune, or under segment, got none/,
    ],
    ["arms of two kinds", `${text}\nsegment: { outlined: { epochs: 1 } }`, /got arms of both kinds/],
    ["an option of no verb", text.replace("clsLossWeight", "clsWeight"), /options, clsWeight: .* unknown name/],
    [
      "an arm's unknown option",
      text.replace("vit, epochs: 2", "vit, epoch: 2"),
      /finetune, scratch, epoch: .*epochs\?/,
    ],
    ["an option that is out of range", text.replace("epochs: 3", "epochs: 0"), /pretrain, sup, epochs/],
    ["options that contradict", text.replace("inputSize: 32", "inputSize: 30"), /pretrain, sup, inputSize/],
    ["an arm whose name is no folder's", text.replace("  scratch:", "  a/b:"), /finetune/],
  ])("of %s is refused, by its place", (_what, wrong, expected) => {
    expect(() => readPlan(wrong, "plan.yaml")).toThrow(expected);
  });

  test("of the paper's comparison can be run on every data set, at every scale", () => {
    for (const dataset of [
      "phantom",
      "btmd",
      "ham10000",
      "busi",
      "chestxray2017",
      "messidor2",
      "deeplesion",
    ] as const) {
      for (const scale of ["smoke", "small", "paper"] as const) {
        const plan = builtInPlan(dataset, scale);
        // At the small scale, also what supervision earns by itself.
        const more = scale === "small" ? ["random"] : [];
        expect(Object.keys(plan.finetune)).toEqual(["vit", "mae", "amt", "msmae", ...more]);
        expect(plan.options.recipe).toBe(scale === "small" ? "small" : undefined);
        expect(plan.finetune.vit).not.toHaveProperty("from");
        expect(plan.paper.msmae === undefined).toBe(dataset === "phantom");
      }
    }
    expect(builtInPlan("btmd", "small").data).toEqual({ preset: "btmd", clean: true });
    expect(builtInPlan("btmd-published", "paper").data).toEqual({ preset: "btmd", clean: false });
    // The published schedule is what the verbs do by themselves.
    expect(builtInPlan("btmd", "paper").pretrain).toEqual({
      mae: { method: "mae" },
      amt: { method: "amt" },
      msmae: { method: "msmae" },
    });
  });

  test("at the small scale lets rare classes weigh as much as common ones in fine-tuning", () => {
    const weights = Object.values(builtInPlan("ham10000", "small").finetune).map(({ classWeights }) => classWeights);
    expect(weights).toEqual(weights.map(() => "balanced"));
    expect(weights).toHaveLength(5);
    expect(builtInPlan("ham10000", "paper").finetune.msmae).not.toHaveProperty("classWeights");
  });

  test("of outlines has arms of its own verb, from pre-trainings that are told no classes", () => {
    for (const scale of ["smoke", "small", "paper"] as const) {
      const plan = builtInPlan("kvasir-seg", scale);
      expect(Object.keys(plan.segment)).toEqual(["scratch", "mae", "amt"]);
      expect(Object.keys(plan.pretrain)).toEqual(["mae", "amt"]);
      expect(plan.finetune).toEqual({});
    }
  });

  test("can be narrowed to some arms, whose differences and seeds remain", () => {
    const plan = narrowed(builtInPlan("ham10000", "small"), ["msmae", "vit"], 3);
    expect(Object.keys(plan.finetune)).toEqual(["vit", "msmae"]);
    expect(plan.differences).toEqual([["msmae", "vit"]]);
    expect(plan.seeds).toBe(3);
    expect(() => narrowed(plan, ["mae"], undefined)).toThrow(/methods: expected some of vit, msmae, got mae/);
  });
});
