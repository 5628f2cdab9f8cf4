import { expect, test } from "vitest";
import { temperatureTold } from "../../../src/inference/clinical/temperature.ts";
import {
  type Classification,
  type ClassPrediction,
  classes,
  likeliest,
  softmaxRows,
} from "../../../src/inference/outcomes/classes.ts";
import { gradeLogits, gradeProbabilities, grades } from "../../../src/inference/outcomes/grades.ts";
import { parseDescription } from "../../../src/interop/model-file.ts";
import { fitTemperature } from "../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../src/support/random.ts";
import { classifier } from "../../e2e/micro-models.ts";

const size = { height: 4, width: 4 };
const image = { height: 4, width: 4 };
const said = (logits: readonly number[]) => ({ values: { logits: Float32Array.from(logits) }, size });
const line = (outcome: typeof classes, logits: readonly number[], classNames: string[], temperature?: number) =>
  outcome.line(
    said(logits),
    { classNames, ...(temperature !== undefined && { temperature }) },
    image,
  ) as ClassPrediction;

test("a temperature divides the logits of a line, and of all that is gathered", () => {
  const classNames = ["a", "b", "c"];
  const logits = [2, 1, -4];
  const want = softmaxRows(
    logits.map((logit) => logit / 2.5),
    3,
  );
  const told = line(classes, logits, classNames, 2.5);
  classNames.forEach((name, k) => {
    expect(told.probabilities[name]).toBeCloseTo(want[k] as number, 12);
  });
  expect(told.class).toBe("a");
  expect(line(classes, logits, classNames).probabilities.a).toBeCloseTo(softmaxRows(logits, 3)[0] as number, 15);
  const gatherer = classes.gather({ classNames, temperature: 2.5 });
  const target = { kind: "class", labels: Int32Array.of(1) } as const;
  const batch = {
    indices: Uint32Array.of(0),
    paths: ["x"],
    groups: ["x"],
    target,
    images: new Uint8Array(),
    originals: [],
  };
  gatherer.add(batch, [said(logits)]);
  const { probabilities, logits: kept } = gatherer.finish();
  want.forEach((value, k) => {
    expect(probabilities[k]).toBeCloseTo(value, 12);
  });
  expect([...kept]).toEqual(logits);
});

test("grades keep their decision at every temperature, which divided outputs would not", () => {
  const classNames = ["none", "mild", "severe"];
  const random = RandomStream.for(5, "evaluation");
  let flips = 0;
  for (let round = 0; round < 200; round++) {
    const outputs = [3 * random.normal(), 3 * random.normal()];
    const plain = line(grades, outputs, classNames);
    const logs = gradeLogits(outputs, 3);
    const same = gradeProbabilities(outputs, 3);
    logs.forEach((value, k) => {
      expect(value).toBeCloseTo(Math.log(same[k] as number), 9);
    });
    for (const temperature of [0.3, 4]) {
      const told = line(grades, outputs, classNames, temperature);
      expect(told.class).toBe(plain.class);
      expect(Object.values(told.probabilities).reduce((sum, value) => sum + value)).toBeCloseTo(1, 12);
      const divided = gradeProbabilities(
        outputs.map((output) => output / temperature),
        3,
      );
      if (classNames[likeliest(divided)] !== plain.class) flips++;
    }
  }
  expect(flips).toBeGreaterThan(0);
  expect([...gradeLogits([800, -800], 3)].every(Number.isFinite)).toBe(true);
});

test("a checkpoint's temperature is a number above 0, or absent", () => {
  const parse = (temperature: unknown) =>
    parseDescription("model", { msmae: JSON.stringify({ ...classifier, temperature }) })?.temperature;
  expect(parse(1.5)).toBe(1.5);
  expect(parse(undefined)).toBeUndefined();
  for (const bad of [0, -1, "2", null]) expect(() => parse(bad)).toThrow(/temperature/);
});

/** Cases whose logits are true to their labels, made too sure by a factor. */
function tooSure(seed: number, factor: number): Classification {
  const random = RandomStream.for(seed, "evaluation");
  const logits: number[] = [];
  const labels: number[] = [];
  for (let n = 0; n < 2000; n++) {
    const row = [0, 1.5 * random.normal(), 1.5 * random.normal()];
    const [first, second] = softmaxRows(row, 3) as unknown as [number, number];
    const drawn = random.uniform();
    labels.push(drawn < first ? 0 : drawn < first + second ? 1 : 2);
    logits.push(...row.map((value) => factor * value));
  }
  const probabilities = softmaxRows(logits, 3);
  return {
    probabilities,
    logits: Float64Array.from(logits),
    labels: Int32Array.from(labels),
    indices: Uint32Array.from(labels.keys()),
    paths: [],
  };
}

const classNames = ["a", "b", "c"];

test("what validation images ask of an over-confident model mends others: log-loss and calibration error", () => {
  const told = temperatureTold({ classNames }, tooSure(2, 4), tooSure(1, 4));
  expect(told).toMatchObject({ applied: false, fittedOn: 2000 });
  expect(told?.temperature).toBeGreaterThan(3.5);
  expect(told?.temperature).toBeLessThan(4.5);
  expect(told?.before.ece).toBeGreaterThan(0.15);
  expect(told?.after.ece).toBeLessThan(0.04);
  expect(told?.after.logLoss).toBeLessThan((told?.before.logLoss as number) / 1.5);
});

test("a checkpoint's own temperature is told as applied, whatever the validation images say", () => {
  const cases = tooSure(2, 4);
  const told = temperatureTold({ classNames, temperature: 2 }, cases, tooSure(1, 4));
  expect(told).toMatchObject({ temperature: 2, applied: true });
  expect(told).not.toHaveProperty("fittedOn");
  expect(told?.before).toEqual(fitTemperature(cases.logits, cases.labels, 3).before);
  expect(temperatureTold({ classNames }, cases, undefined)).toBeUndefined();
  const allRight = {
    ...cases,
    labels: cases.labels.map((_, at) => likeliest(cases.probabilities.subarray(3 * at, 3 * at + 3))),
  };
  const refused = temperatureTold({ classNames }, cases, allRight);
  expect(refused).toMatchObject({
    temperature: 1,
    applied: false,
    reason: expect.stringContaining("every case is right"),
  });
});
