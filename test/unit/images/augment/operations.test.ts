import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAutoAugment } from "../../../../src/images/augment/auto-augment-plan.ts";
import { Canvas } from "../../../../src/images/augment/canvas.ts";
import type { WarpFilter } from "../../../../src/images/augment/geometric.ts";
import {
  applyOperation,
  isSigned,
  levelArgument,
  type OperationName,
  operationNames,
} from "../../../../src/images/augment/operations.ts";
import { autoAugmentPolicies } from "../../../../src/images/augment/policies.ts";
import { digest, type Pattern, picture } from "./pictures.ts";

type Image = [name: OperationName, kind: Pattern, height: number, width: number, channels: 1 | 3, filter: WarpFilter];

// Made with timm 1.0.31, Pillow 13.0.0 and torchvision 0.29.2 by bench/peers/augment_reference.py.
const reference: {
  levels: Record<OperationName, [level: number, argument: number, other: number][]>;
  magnitudes: [...Image, hashes: string[]][];
  arguments: [...Image, results: [argument: number, hash: string][]][];
  hues: [shift: number, hash: string][];
  policies: Record<string, unknown>;
  rand: ({ text: string } & Record<string, unknown>)[];
} = JSON.parse(readFileSync(new URL("./fixtures/pillow-13-augment.json", import.meta.url), "utf8"));

const FILL = [124, 116, 104];

function run([name, kind, height, width, channels, filter]: Image, argument: number): string {
  const canvas = picture(kind, height, width, channels);
  applyOperation(canvas, name, argument, { filter, fill: FILL });
  return digest(canvas);
}

describe("operations", () => {
  test.each(Object.entries(reference.levels))("%s: the arguments of all levels are timm's", (name, rows) => {
    for (const [level, argument, other] of rows) {
      expect(levelArgument(name as OperationName, level, 1, 224)).toBe(argument);
      expect(levelArgument(name as OperationName, level, -1, 224) + 0).toBe(other + 0);
    }
    expect(isSigned(name as OperationName)).toBe(rows.some(([, argument, other]) => argument !== other));
  });

  test("are all of timm's", () => {
    const withLevels = Object.keys(reference.levels);
    expect(new Set(operationNames)).toEqual(new Set([...withLevels, "AutoContrast", "Equalize", "Invert"]));
  });

  test.each(reference.magnitudes)("%s equals timm and Pillow at all magnitudes: %s %i×%i×%i, %s", (...row) => {
    const [name, kind, height, width, channels, filter, hashes] = row;
    const results = hashes.map((_, at) => {
      const argument = levelArgument(name, Math.floor(at / 2), at % 2 === 0 ? 1 : -1, Math.min(height, width));
      return run([name, kind, height, width, channels, filter], argument);
    });
    const black = run(["Brightness", kind, height, width, channels, filter], 0);
    // Pillow 13 refuses 0 bits; before, it gave black.
    expect(results).toEqual(hashes.map((hash) => (hash === "refused" ? black : hash)));
  });

  test.each(reference.arguments)("%s equals Pillow beyond the magnitudes: %s %i×%i×%i, %s", (...row) => {
    const [name, kind, height, width, channels, filter, results] = row;
    const image: Image = [name, kind, height, width, channels, filter];
    expect(results.map(([argument]) => [argument, run(image, argument)])).toEqual(results);
  });

  test.each(reference.hues)("the hue turned by %f equals torchvision", (shift, hash) => {
    const canvas = new Canvas(256, 256, 3);
    for (let a = 0, at = 0; a < 256; a++) {
      for (let b = 0; b < 256; b++, at += 3) canvas.pixels.set([a, b, (a * 7 + b * 3) & 255], at);
    }
    canvas.turnHue(shift);
    expect(digest(canvas)).toBe(hash);
  });

  test("saturation and hue leave one channel as it is", () => {
    const before = digest(picture("noise", 20, 20, 1));
    const canvas = picture("noise", 20, 20, 1);
    canvas.turnHue(0.3);
    canvas.saturate(0);
    expect(digest(canvas)).toBe(before);
  });
});

describe("parseAutoAugment", () => {
  test("the policies are timm's", () => {
    expect(autoAugmentPolicies).toEqual(reference.policies);
  });

  test.each(reference.rand)("reads $text as timm", ({ text, weights, ...expected }) => {
    const plan = parseAutoAugment(text);
    expect(plan).toMatchObject({ kind: "rand", ...expected });
    const given = plan.kind === "rand" ? plan.weights : undefined;
    const sum = given?.reduce((a, b) => a + b) ?? 1;
    expect(given?.map((weight) => Number((weight / sum).toFixed(12))) ?? null).toEqual(
      (weights as number[] | null)?.map((weight) => Number(weight.toFixed(12))) ?? null,
    );
  });

  test("reads a policy with its deviation", () => {
    const policy = autoAugmentPolicies.originalr;
    expect(parseAutoAugment("originalr-mstd0.5")).toEqual({ kind: "policy", policy, deviation: 0.5 });
  });

  test.each([
    "",
    "augmix-m5",
    "constructor",
    "rand-x3",
    "rand-m",
    "rand-m9.5",
    "rand-m-9",
    "rand-p2",
    "rand-mstdinf",
    "rand-w0",
    "rand-tnone",
    "rand-tweights-n16",
    "original-m9",
    "original-mstd",
  ])('refuses "%s"', (text) => {
    expect(() => parseAutoAugment(text)).toThrow(expect.objectContaining({ code: "Config" }));
  });
});
