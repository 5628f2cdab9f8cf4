import { expect, test } from "vitest";
import type { Classification } from "../../../../src/inference/outcomes/classes.ts";
import { softmaxRows } from "../../../../src/inference/outcomes/classes.ts";
import { fitTemperature } from "../../../../src/results/metrics/index.ts";
import type { RunEvent } from "../../../../src/support/events.ts";
import { KeptTemperature } from "../../../../src/training/tasks/kept-temperature.ts";

const classNames = ["a", "b"];
/** Logits of class b above a, and truths. */
const cases = (margins: readonly number[], labels: readonly number[]): Classification => {
  const logits = Float64Array.from(margins.flatMap((margin) => [0, margin]));
  const probabilities = softmaxRows(logits, 2);
  const indices = Uint32Array.from(labels.keys());
  return { probabilities, logits, labels: Int32Array.from(labels), indices, paths: [] };
};
const someWrong = cases([3, 4, -3, 2, -2], [1, 1, 0, 0, 0]);
const allRight = cases([3, -1], [1, 0]);

function kept(more: { temperature?: "fit" | "none"; images?: number; kind?: "class" | "values" } = {}) {
  const { temperature = "fit", images = 5, kind = "class" } = more;
  const events: RunEvent[] = [];
  const val = Array.from({ length: images });
  const context = {
    options: { temperature },
    data: { folder: { splits: { val } } },
    hooks: { onEvent: (event: RunEvent) => void events.push(event) },
  };
  return {
    events,
    keeper: new KeptTemperature(context as unknown as ConstructorParameters<typeof KeptTemperature>[0], { kind }),
  };
}

test("the temperature of the last validation pass is described, and survives a stop to the digit", () => {
  const { keeper, events } = kept();
  expect(keeper.describe()).toEqual({});
  expect(keeper.state()).toEqual({});
  keeper.validated(someWrong, classNames);
  const { temperature } = keeper.describe();
  expect(temperature).toBeCloseTo(fitTemperature(someWrong.logits, someWrong.labels, 2).temperature, 4);
  const { keeper: resumed } = kept();
  resumed.restore(keeper.state());
  expect(resumed.describe()).toEqual({ temperature });
  expect(events).toEqual([]);
});

test("where none can be fitted there is none, and the reason is told once", () => {
  const { keeper, events } = kept();
  keeper.validated(someWrong, classNames);
  for (let epoch = 0; epoch < 3; epoch++) keeper.validated(allRight, classNames);
  expect(keeper.describe()).toEqual({});
  expect(keeper.state()).toEqual({});
  expect(events).toEqual([{ type: "note", message: expect.stringContaining("every case is right") }]);
  expect(kept({ images: 0 }).events).toEqual([
    { type: "note", message: expect.stringContaining("no validation images") },
  ]);
});

test("nothing is kept where it is not asked for, or where outputs are no classes", () => {
  for (const more of [{ temperature: "none" }, { kind: "values" }] as const) {
    const { keeper, events } = kept({ ...more, images: 0 });
    keeper.validated(someWrong, classNames);
    keeper.restore({ temperature: Float32Array.of(2) });
    expect(keeper.describe()).toEqual({});
    expect(events).toEqual([]);
  }
});
