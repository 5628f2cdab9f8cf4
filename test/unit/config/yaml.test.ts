import fc from "fast-check";
import { expect, test } from "vitest";
import { resolveConfig, resolveOptions } from "../../../src/config/resolve.ts";
import { verbs } from "../../../src/config/verbs/index.ts";
import { parseYamlMapping, toYaml } from "../../../src/config/yaml.ts";

const anyPretrain = fc.record(
  {
    dataPath: fc.string({ minLength: 1 }),
    outputDir: fc.string({ minLength: 1 }),
    epochs: fc.integer({ min: 1, max: 1000 }),
    blr: fc.double({ min: 1e-6, max: 1, noNaN: true }),
    lr: fc.double({ min: 1e-6, max: 1, noNaN: true }),
    maskRatio: fc.double({ min: 0.3, max: 0.5, noNaN: true }),
    inChans: fc.constantFrom(1 as const, 3 as const),
    inputSize: fc.constantFrom(224, "224x320", { height: 96, width: 64 }),
    clsLoss: fc.constantFrom("ce" as const, "softmax-ce" as const),
    normPixLoss: fc.boolean(),
    seed: fc.integer({ min: 0, max: 0xffffffff }),
  },
  { requiredKeys: ["dataPath", "outputDir"] },
);

test("resolved options resolve to themselves, from the object and from their YAML text", () => {
  fc.assert(
    fc.property(anyPretrain, (input) => {
      const options = resolveOptions(verbs.pretrain, input);
      expect(resolveOptions(verbs.pretrain, options)).toEqual(options);
      expect(resolveConfig(verbs.pretrain, { file: toYaml(verbs.pretrain, options) })).toEqual(options);
    }),
    { numRuns: 200 },
  );
});

test("the text explains each option and keeps sizes readable", () => {
  const text = toYaml(
    verbs.pretrain,
    resolveOptions(verbs.pretrain, { dataPath: "d", outputDir: "o", inputSize: "224x320" }),
  );
  expect(text).toContain("# Images per batch.\nbatchSize: 64\n");
  expect(text).toContain("inputSize: 224x320\n");
  expect(text).not.toMatch(/^resume:/m);
});

test("a fault in the text is named with its line", () => {
  expect(() => parseYamlMapping("epochs: 3\nmean: [0.1,\n", "my.yaml")).toThrow(
    /^my\.yaml:\d+:\d+: expected valid YAML/,
  );
  expect(() => parseYamlMapping("- 1\n", "my.yaml")).toThrow(
    "my.yaml: expected a mapping of option names to values, got [1]",
  );
  expect(parseYamlMapping("# nothing\n", "my.yaml")).toEqual({});
});

const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
for (const [i, name] of [..."bcdefghi"].entries())
  bomb.push(`${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[i]}`)}]`);

test.each([
  ["aliases that stand for 400 million values", bomb.join("\n"), "bad.yaml: expected values, and aliases of few"],
  ["an alias of nothing", "epochs: *none", "bad.yaml: expected values, and aliases"],
  ["3,000 open brackets", "[".repeat(3000), "bad.yaml:1:"],
  [
    "a value that contains itself",
    "batchSize: &a [*a]",
    "batchSize: expected a whole number of at least 1, got a value",
  ],
  ["a list for a key", "? [a, b]\n: 1", "[ a, b ]: expected an option of msmae pretrain"],
  ["control characters", "\u0001\u001b[2J", "bad.yaml: expected a mapping"],
])("%s: a configuration error", (_, file, message) => {
  expect(() => resolveConfig(verbs.pretrain, { file, fileName: "bad.yaml" })).toThrow(
    expect.objectContaining({ code: "Config", message: expect.stringContaining(message) }),
  );
});
