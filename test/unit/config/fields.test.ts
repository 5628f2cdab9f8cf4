import { expect, test } from "vitest";
import { expectationOf, infoOf, type Shape } from "../../../src/config/fields.ts";
import { nearestName, toCamelCase, toKebabCase } from "../../../src/config/names.ts";
import { formatSize, sizeSchema } from "../../../src/config/size.ts";
import { verbs } from "../../../src/config/verbs/index.ts";

test.each(Object.values(verbs))("every option of $name is described, and no two options one name", ({ schema }) => {
  const shape: Shape = schema.shape;
  const names = Object.entries(shape).flatMap(([name, schema]) => [name, ...(infoOf(schema).aliases ?? [])]);
  expect(new Set(names).size).toBe(names.length);
  for (const option of Object.values(shape)) expect(infoOf(option).description).toMatch(/^[A-Z].+[^.]\.$/);
});

test("expectations say the bounds of a number", () => {
  const shape = verbs.pretrain.schema.shape;
  expect(expectationOf(shape.maskRatio)).toBe("a number of at least 0 and below 1");
  expect(expectationOf(shape.epochs)).toBe("a whole number of at least 1");
  expect(expectationOf(shape.blr)).toBe("a number above 0");
  expect(expectationOf(shape.seed)).toBe("a whole number of at least 0 and at most 4294967295");
  expect(expectationOf(shape.device)).toBe("one of cpu, webgpu, cuda");
  expect(expectationOf(shape.inChans)).toBe("1 or 3");
});

test("names change between their spellings", () => {
  expect(toCamelCase("mask_ratio")).toBe("maskRatio");
  expect(toCamelCase("map-warmup-epochs")).toBe("mapWarmupEpochs");
  expect(toCamelCase("maskRatio")).toBe("maskRatio");
  expect(toKebabCase("attentionStartEpoch")).toBe("attention-start-epoch");
});

test("the nearest name forgives slips but does not guess", () => {
  const known = ["epochs", "maskRatio", "throwRatio", "lr", "blr"];
  expect(nearestName("mask_raito", known)).toBe("maskRatio");
  expect(nearestName("epoch", known)).toBe("epochs");
  expect(nearestName("momentum", known)).toBeUndefined();
});

test.each([
  [224, { height: 224, width: 224 }],
  ["96", { height: 96, width: 96 }],
  ["224x320", { height: 224, width: 320 }],
  [
    { height: 64, width: 32 },
    { height: 64, width: 32 },
  ],
])("size %j is read as %j", (given, size) => {
  expect(sizeSchema.parse(given)).toEqual(size);
  expect(sizeSchema.parse(formatSize(size))).toEqual(size);
});

test.each(["224x", "0", "x224", "2.5", 0, -1, 1.5, "", { height: 1 }])("%j is no size", (given) => {
  expect(sizeSchema.safeParse(given).success).toBe(false);
});
