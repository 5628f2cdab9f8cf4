import { describe, expect, test } from "vitest";
import { configNotes, resolveConfig, resolveOptions } from "../../../src/config/resolve.ts";
import { verbs } from "../../../src/config/verbs/index.ts";
import { toYaml } from "../../../src/config/yaml.ts";

const flags = { dataPath: "images", outputDir: "run", init: "scratch" };

describe("augmentation options", () => {
  test("are read from timm's flags, written to the configuration and read back", () => {
    const given = { aa: "rand-m9-mstd0.5-inc1", reprob: "0.25", remode: "rand", recount: "2", vflip: "0.5" };
    const options = resolveConfig(verbs.finetune, {
      flags: { ...flags, ...given, "color-jitter": "0.4,0.4,0.2,0.1", elastic: "300,15", rot90: true },
    });
    expect(options).toMatchObject({
      aa: "rand-m9-mstd0.5-inc1",
      reprob: 0.25,
      remode: "rand",
      recount: 2,
      vflip: 0.5,
      colorJitter: [0.4, 0.4, 0.2, 0.1],
      elastic: [300, 15],
      rot90: true,
    });
    expect(resolveConfig(verbs.finetune, { file: toYaml(verbs.finetune, options) })).toEqual(options);
  });

  test.each([
    ["aa", { aa: "rand-mm9" }, /rand-m9-mstd0.5-inc1/],
    ["colorJitter", { colorJitter: "0.4,0.4" }, /3 \(brightness/],
    ["colorJitter", { colorJitter: "-1" }, /at least 0/],
    ["elastic", { elastic: "300" }, /alpha/],
    ["rot90", { rot90: true, inputSize: "224x320" }, /--vflip 0.5/],
    ["reprob", { reprob: "1.5" }, /at most 1/],
    ["remode", { remode: "noise" }, /one of const, rand, pixel/],
    ["recount", { recount: "0" }, /at least 1/],
    ["intensity", { intensity: "3" }, /at most 2/],
  ])("refuse a wrong %s: %o", (_, wrong, words) => {
    for (const verb of [verbs.pretrain, verbs.finetune]) {
      expect(() => resolveConfig(verb, { flags: { ...flags, ...wrong } })).toThrow(
        expect.objectContaining({ code: "Config", message: expect.stringMatching(words) }),
      );
    }
  });

  test("a colour jitter that is left out beside automatic augmentation is told", () => {
    const base = { ...flags, init: "scratch" as const, colorJitter: [0.4] };
    for (const verb of [verbs.pretrain, verbs.finetune]) {
      const notes = (aa?: string) => configNotes(verb, resolveOptions(verb, { ...base, aa })).join();
      expect(notes("rand-m9")).toContain("--color-jitter is left out");
      expect(notes("3a")).not.toContain("--color-jitter");
      expect(notes()).not.toContain("--color-jitter");
    }
  });
});
