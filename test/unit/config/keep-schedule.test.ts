import { describe, expect, test } from "vitest";
import {
  type FinetuneInput,
  keepStages,
  resolveConfig,
  resolveRun,
  stageAt,
  toYaml,
  verbs,
} from "../../../src/config/index.ts";

const start = { dataPath: "images", outputDir: "run", init: "scratch" } as const;
const resolved = (more: Partial<FinetuneInput>) => resolveRun(verbs.finetune, { ...start, ...more });
const stagesOf = (more: Partial<FinetuneInput>) => keepStages(resolved(more));
const rounded = (more: Partial<FinetuneInput>) =>
  stagesOf(more).map(({ from, share }) => [from, Number(share.toFixed(4))]);

describe("the stages of a schedule", () => {
  test("by its name: four of about a quarter of the epochs, from what the ratios leave to all patches", () => {
    expect(rounded({ keepSchedule: "linear", epochs: 100 })).toEqual([
      [0, 0.25],
      [25, 0.5],
      [50, 0.75],
      [75, 1],
    ]);
    expect(rounded({ keepSchedule: "cosine", epochs: 20 })).toEqual([
      [0, 0.25],
      [5, 0.4375],
      [10, 0.8125],
      [15, 1],
    ]);
    expect(rounded({ keepSchedule: "linear", epochs: 9, maskRatio: 0.3, throwRatio: 0.1 })).toEqual([
      [0, 0.6],
      [2, 0.7333],
      [4, 0.8667],
      [6, 1],
    ]);
  });

  test("by its name, in the shortest runs: the last epoch is always on all patches", () => {
    expect(rounded({ keepSchedule: "linear", epochs: 1 })).toEqual([[0, 1]]);
    expect(rounded({ keepSchedule: "cosine", epochs: 2 })).toEqual([
      [0, 0.25],
      [1, 1],
    ]);
    for (const epochs of [3, 4, 5, 6, 7]) {
      const stages = stagesOf({ keepSchedule: "linear", epochs });
      expect(stageAt(stages, epochs - 1).share).toBe(1);
      expect(stageAt(stages, 0).share).toBeCloseTo(0.25, 12);
    }
  });

  test("as written: by epoch or per cent, of stages that begin together the last", () => {
    expect(rounded({ keepSchedule: "0:0.25, 60:0.5, 85%:1", epochs: 200 })).toEqual([
      [0, 0.25],
      [60, 0.5],
      [170, 1],
    ]);
    expect(rounded({ keepSchedule: "0:.25,60%:0.5,85%:1", epochs: 5 })).toEqual([
      [0, 0.25],
      [3, 0.5],
      [4, 1],
    ]);
    expect(rounded({ keepSchedule: "0%:0.25,60%:0.5,85%:1", epochs: 1 })).toEqual([[0, 1]]);
  });

  test("without one are those of --full-token-epochs; constant is the same as none", () => {
    expect(rounded({ epochs: 10 })).toEqual([[0, 0.25]]);
    expect(rounded({ epochs: 10, fullTokenEpochs: 3, keepSchedule: "constant" })).toEqual([
      [0, 0.25],
      [7, 1],
    ]);
    expect(rounded({ epochs: 10, fullTokenEpochs: 10 })).toEqual([[0, 1]]);
    expect(resolved({ keepSchedule: "constant" })).toEqual(resolved({}));
  });

  test("hold until the next begins", () => {
    const stages = [
      { from: 0, share: 0.25 },
      { from: 4, share: 0.5 },
      { from: 7, share: 1 },
    ];
    expect([0, 3, 4, 6, 7, 99].map((epoch) => stageAt(stages, epoch).share)).toEqual([0.25, 0.25, 0.5, 0.5, 1, 1]);
  });
});

test.each<[Partial<FinetuneInput>, number, number]>([
  [{ keepSchedule: "0:0.25,50%:1" }, 0.45, 0.3],
  [{ keepSchedule: "0:0.5,50%:1" }, 0.3, 0.2],
  [{ keepSchedule: "0:0.5,50%:1", method: "amt" }, 0.3, 0.2],
  [{ keepSchedule: "0:0.4,50%:1", throwRatio: 0.1 }, 0.5, 0.1],
  [{ keepSchedule: "0:0.4,50%:1", maskRatio: 0 }, 0, 0.6],
  [{ keepSchedule: "0:1", maskRatio: 0 }, 0, 0],
  [{ keepSchedule: "linear" }, 0.45, 0.3],
])("a first share says the ratios that are not given: %j", (more, maskRatio, throwRatio) => {
  expect(resolved(more)).toMatchObject({ maskRatio, throwRatio });
});

test.each(["linear", "0:0.25,60:0.5,85%:1", "0:1"])(
  "%s, read again from the run's file, is the same",
  (keepSchedule) => {
    const options = resolved({ keepSchedule });
    expect(options.keepSchedule).toBe(keepSchedule);
    expect(resolveConfig(verbs.finetune, { file: toYaml(verbs.finetune, options) })).toEqual(options);
  },
);

test.each<[Partial<FinetuneInput>, RegExp]>([
  [
    { keepSchedule: "quadratic" },
    /keepSchedule: expected constant, linear, cosine, or .*0:0\.25,60%:0\.5,85%:1, got "quadratic"/,
  ],
  [{ keepSchedule: "0:0.25,60" }, /keepSchedule: expected constant, .* got "0:0\.25,60"/],
  [{ keepSchedule: "linear", fullTokenEpochs: 2 }, /one of both.*"linear" beside --full-token-epochs 2/],
  [{ keepSchedule: "linear", method: "mae" }, /masked or thrown at first, got --mask-ratio 0 and --throw-ratio 0/],
  [{ keepSchedule: "0:0.5,50%:0.25,80%:1" }, /shares above 0 that rise, the last of them 1, got 0\.5, 0\.25, 1/],
  [{ keepSchedule: "0:0.25,50%:0.5" }, /the last of them 1, got 0\.25, 0\.5; .*--mask-ratio/],
  [{ keepSchedule: "0:0,50%:1" }, /shares above 0/],
  [{ keepSchedule: "0:0.25,50%:2" }, /shares above 0/],
  [{ keepSchedule: "0:0.5,50%:1", maskRatio: 0.45, throwRatio: 0.3 }, /first share to be the 0\.25 .*, got 0\.5/],
  [{ keepSchedule: "0:0.5,50%:1", throwRatio: 0.7 }, /first share to be the 0\.3 /],
  [{ keepSchedule: "1:0.25,50%:1" }, /a start at 0, .* got 1, 50%/],
  [{ keepSchedule: "0:0.25,2.5:1" }, /whole epochs or per cent below 100, got 0, 2\.5/],
  [{ keepSchedule: "0:0.25,100%:1" }, /per cent below 100, got 0, 100%/],
  [{ keepSchedule: "0:0.25,10:1", epochs: 10 }, /within the 10 epochs, got starts at epochs 0, 10/],
  [{ keepSchedule: "0:0.25,8:0.5,50%:1", epochs: 10 }, /one after the other .* epochs 0, 8, 5/],
])("what contradicts is refused: %j", (more, message) => {
  expect(() => resolved(more)).toThrow(message);
});
