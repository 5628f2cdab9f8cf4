import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { describeShown } from "../../../src/curation/show/describe.ts";
import { showImageFile } from "../../../src/curation/show/show.ts";
import { dataStats } from "../../../src/curation/stats.ts";
import { DecodedCache } from "../../../src/data/loader/decoded-cache.ts";
import { SampleReader } from "../../../src/data/loader/sample-reader.ts";
import { decodeImage } from "../../../src/data/pictures/decode-image.ts";
import { DEFAULT_LIMITS } from "../../../src/formats/limits.ts";
import { openDicom } from "../../../src/formats/node/dicom.ts";
import { encodeNpy } from "../../../src/formats/npy.ts";
import type { SourceImage } from "../../../src/formats/source-image.ts";
import { PAPER_CROP } from "../../../src/geometry/random-geometry.ts";
import { warpCoverage } from "../../../src/images/transforms/coverage.ts";
import { applyWindow, parseWindow, resolveWindow } from "../../../src/images/window.ts";
import { type BuiltElement, buildDicom, greyImage } from "./dicom/dicom-builder.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-unmeasured-"));
afterAll(() => rmSync(folder, { recursive: true }));
function write(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const VALUE = 0x00280120;
const LIMIT = 0x00280121;
interface Made {
  /** Of one row; or of a row for each frame. */
  stored: number[];
  frames?: number;
  bits?: number;
  signed?: boolean;
  more?: BuiltElement[];
  photometric?: string;
}

/** A DICOM file of 16-bit pixels, one row in each frame. */
function dicom({ stored, frames = 1, bits = 16, signed = false, more = [], photometric = "MONOCHROME2" }: Made) {
  const others: BuiltElement[] = [
    [0x00280004, "CS", photometric],
    [0x00280008, "IS", `${frames}`],
    [0x00280100, "US", 16],
    [0x00280101, "US", bits],
    [0x00280102, "US", bits - 1],
    [0x00280103, "US", Number(signed)],
    ...more,
  ];
  const keyed = Object.fromEntries(others.map((element) => [element[0], element]));
  return buildDicom(greyImage(1, stored.length / frames, [0x7fe00010, "OW", stored], keyed));
}
async function picture(made: Made, frame = 0): Promise<SourceImage> {
  return (await openDicom(dicom(made), "built", DEFAULT_LIMITS)).read(frame, "axial");
}
const marks = async (made: Made, frame = 0) => [...((await picture(made, frame)).unmeasured ?? [])];
const ct: BuiltElement = [0x00080060, "CS", "CT"];
const rescale = (slope: string, intercept: string): BuiltElement[] => [
  [0x00281052, "DS", intercept],
  [0x00281053, "DS", slope],
];

describe("padding of DICOM files", () => {
  test.each<[string, Made, number[]]>([
    ["a value", { stored: [7, 8, 7], more: [[VALUE, "US", 7]] }, [1, 0, 1]],
    [
      "a range",
      {
        stored: [6, 7, 9, 10],
        more: [
          [VALUE, "US", 7],
          [LIMIT, "US", 9],
        ],
      },
      [0, 1, 1, 0],
    ],
    [
      "a range the other way round",
      {
        stored: [6, 7, 9, 10],
        more: [
          [VALUE, "US", 9],
          [LIMIT, "US", 7],
        ],
      },
      [0, 1, 1, 0],
    ],
    ["the value that most pixels have", { stored: [0, 0, 0, 5], more: [[VALUE, "US", 0]] }, [1, 1, 1, 0]],
    ["unsigned where pixels are signed", { stored: [63536, 0], signed: true, more: [[VALUE, "US", 63536]] }, [1, 0]],
    ["signed where pixels are not", { stored: [63536, 0], more: [[VALUE, "SS", -2000]] }, [1, 0]],
    ["of an unknown representation", { stored: [7, 8], more: [[VALUE, "UN", 7]] }, [1, 0]],
    ["outside of the bits stored", { stored: [63536, 2096, 4095], bits: 12, more: [[VALUE, "US", 63536]] }, [1, 0, 0]],
    [
      "of fewer bits than its sign",
      { stored: [0x0830, 5], bits: 12, signed: true, more: [[VALUE, "SS", -2000]] },
      [1, 0],
    ],
    ["before the rescaling", { stored: [7, 8], more: [...rescale("2", "-7"), [VALUE, "US", 7]] }, [1, 0]],
    ["of MONOCHROME1", { stored: [7, 8], photometric: "MONOCHROME1", more: [[VALUE, "US", 7]] }, [1, 0]],
    ["a limit by itself is none", { stored: [7, 8], more: [[LIMIT, "US", 7]] }, []],
    ["no pixel has it", { stored: [7, 8], more: [[VALUE, "US", 9]] }, []],
  ])("%s", async (_, made, expected) => {
    expect(await marks(made)).toEqual(expected);
  });

  test("behind a modality table it is still what is stored", async () => {
    const table: BuiltElement = [
      0x00283000,
      "SQ",
      [
        [
          [0x00283002, "US", [3, 0, 16]],
          [0x00283006, "OW", [500, 7, 9]],
        ],
      ],
    ];
    const image = await picture({ stored: [0, 1, 2], more: [table, [VALUE, "US", 0]] });
    expect([[...image.values], [...(image.unmeasured ?? [])]]).toEqual([
      [500, 7, 9],
      [1, 0, 0],
    ]);
  });

  test("each frame has its own pixels marked, and the stored array stays as it is", async () => {
    const made = { stored: [7, 1, 2, 7], frames: 2, more: [[VALUE, "US", 7]] satisfies BuiltElement[] };
    expect([await marks(made, 0), await marks(made, 1)]).toEqual([
      [1, 0],
      [0, 1],
    ]);
    const { data } = await (await openDicom(dicom(made), "built", DEFAULT_LIMITS)).array();
    expect([...data]).toEqual([7, 1, 2, 7]);
  });

  test("colours have none", async () => {
    const elements = greyImage(1, 2, [0x7fe00010, "OB", Uint8Array.of(7, 7, 7, 1, 2, 3)], {
      2621442: [0x00280002, "US", 3],
      2621444: [0x00280004, "CS", "RGB"],
      [VALUE]: [VALUE, "US", 7],
    });
    const image = await (await openDicom(buildDicom(elements), "built", DEFAULT_LIMITS)).read(0, "axial");
    expect(image.unmeasured).toBeUndefined();
  });
});

describe("what lies outside of a scanner's circle", () => {
  const stored = [0, 24, 1024, 3000];
  test.each<[string, Made, number[]]>([
    ["rescaled CT values of -2000 and below", { stored, more: [ct, ...rescale("1", "-2024")] }, [1, 1, 0, 0]],
    [
      "in another unit than Hounsfield's",
      { stored, more: [ct, ...rescale("1", "-2024"), [0x00281054, "LO", "Z_EFF"]] },
      [],
    ],
    ["of another modality", { stored, more: [[0x00080060, "CS", "PT"], ...rescale("1", "-2024")] }, []],
    ["a CT without such values", { stored, more: [ct, ...rescale("1", "-1024")] }, []],
  ])("%s", async (_, made, expected) => {
    expect(await marks(made)).toEqual(expected);
  });

  test("is marked together with padding", async () => {
    const more = [ct, ...rescale("1", "-2024"), [VALUE, "US", 3000]] satisfies BuiltElement[];
    expect(await marks({ stored, more })).toEqual([1, 1, 0, 1]);
  });
});

describe("windows", () => {
  const made = { stored: [...Array.from({ length: 100 }, (_, i) => 1000 + i), 63536, 63536] };
  const padded = { ...made, more: [[VALUE, "US", 63536]] satisfies BuiltElement[] };

  test.each(["auto", "percentile:0,100", "full"])("%s does not look at padding, which becomes black", async (rule) => {
    const source = await picture(padded);
    const { window } = resolveWindow(source, parseWindow(rule));
    const alone = resolveWindow(await picture({ stored: made.stored.slice(0, 100) }), parseWindow(rule));
    expect(window).toEqual(alone.window);
    const { pixels, unmeasured } = applyWindow(source, parseWindow(rule));
    expect([pixels[0], pixels[99], pixels[100], pixels[101]]).toEqual([0, 255, 0, 0]);
    expect(unmeasured).toBe(source.unmeasured);
  });

  test("padding is black where small values are white, under a table of levels too", async () => {
    // Of this many 16-bit pixels the levels come from a table.
    for (const repeat of [1, 200]) {
      const stored = Array.from({ length: 102 * repeat }, (_, i) => made.stored[i % 102] as number);
      const source = await picture({ ...padded, stored, photometric: "MONOCHROME1" });
      const { pixels } = applyWindow(source, parseWindow("full"));
      expect([pixels[0], pixels[99], pixels[100], pixels[101]]).toEqual([255, 0, 0, 0]);
    }
  });

  test("8-bit levels keep what is measured and lose the padding", () => {
    const values = Uint8Array.of(9, 200, 255);
    const source = {
      width: 3,
      height: 1,
      channels: 1,
      values,
      windows: [],
      inverted: false,
      levels: [0, 255],
    } as const;
    expect([...applyWindow({ ...source, unmeasured: Uint8Array.of(0, 0, 1) }, { kind: "auto" }).pixels]).toEqual([
      9, 200, 0,
    ]);
    expect(values[2]).toBe(255);
  });

  test("a picture of nothing but padding has no contrast to look for", async () => {
    const source = await picture({ stored: [7, 7], more: [[VALUE, "US", 7]] });
    expect(() => applyWindow(source, { kind: "auto" }, "scan.dcm")).toThrow(/scan\.dcm.*no measured value/);
    expect([...applyWindow(source, parseWindow("7,4")).pixels]).toEqual([0, 0]);
  });

  test("values that are no number are marked and black, in every channel of a colour", () => {
    const base = { width: 2, height: 1, windows: [], inverted: true, levels: undefined } as const;
    const grey = applyWindow(
      { ...base, channels: 1, values: Float32Array.of(Number.NaN, 1) },
      parseWindow("range:0,1"),
    );
    expect([[...grey.pixels], [...(grey.unmeasured ?? [])]]).toEqual([
      [0, 0],
      [1, 0],
    ]);
    const values = Float64Array.of(1, Number.POSITIVE_INFINITY, 1, 1, 1, 0);
    const colour = applyWindow({ ...base, inverted: false, channels: 3, values }, { kind: "auto" });
    expect([[...colour.pixels], [...(colour.unmeasured ?? [])]]).toEqual([
      [0, 0, 0, 255, 255, 0],
      [1, 0],
    ]);
  });
});

test("data show says how many pixels are no measurement, and writes the array as pydicom has it", async () => {
  const file = write("padded.dcm", dicom({ stored: [0, 5, 63536, 63536], more: [[VALUE, "US", 63536]] }));
  const shown = await showImageFile({ file });
  expect(shown).toMatchObject({ range: { min: 0, max: 63536 }, picture: { range: { min: 0, max: 5 }, unmeasured: 2 } });
  expect(shown.header.padding).toEqual([63536, 63536]);
  expect(describeShown(shown)).toContain("no measurement: 2 pixels (50 %), shown black and left out of the window");
  const plain = await showImageFile({ file: write("plain.dcm", dicom({ stored: [0, 5] })) });
  expect(plain.picture?.unmeasured).toBe(0);
  expect(describeShown(plain).join()).not.toContain("no measurement");
});

// Half of each picture is no number, and the rest of one value.
const half = (value: number) =>
  encodeNpy(
    Float32Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? Number.NaN : value)),
    [8, 8],
  );

describe("behind the window", () => {
  const set = join(folder, "set");
  for (const name of ["a", "b"]) mkdirSync(join(set, "train", name), { recursive: true });
  writeFileSync(join(set, "train", "a", "1.npy"), half(51));
  writeFileSync(join(set, "train", "b", "1.npy"), half(102));
  const options = {
    dataPath: set,
    split: "train",
    inChans: 1,
    window: "range:0,255",
    sliceAxis: "axial",
    alpha: "drop",
  } as const;

  test.each([
    ["of the same size", 8, 8],
    ["that has pixels measured in part", 3, 3],
  ])("data stats are of measured pixels only, at an input %s", async (_, height, width) => {
    const inputSize = { height, width };
    const stats = await dataStats({ ...options, inputSize, seed: 0, workers: 0, strict: true, valSplit: 0 });
    expect(stats.mean[0]).toBeCloseTo(0.3, 2);
    expect(stats.std[0]).toBeCloseTo(0.1, 2);
    expect(stats.black).toEqual([0]);
  });

  const setup = { inputHeight: 8, inputWidth: 8, channels: 1, cache: undefined } as const;
  const reading = { window: parseWindow("range:0,255"), sliceAxis: "axial", alpha: "drop" } as const;
  const task = { augment: false, crop: PAPER_CROP, seed: 0, epoch: 0 };
  const items = [{ slot: 0, sample: 0, path: join(set, "train", "a", "1.npy") }];

  test("a reader tells the coverage from its cache as from the file, and only where asked", async () => {
    const images = new Uint8Array(64);
    const cache = DecodedCache.create(1, 4096).memory;
    const reader = new SampleReader({ ...setup, reading, cache, coverage: true });
    const [first, second] = [
      await reader.run({ ...task, items, images }),
      await reader.run({ ...task, items, images }),
    ];
    expect(second.cacheHits).toBe(1);
    const expected = Uint8Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 0 : 255));
    for (const { items: read } of [first, second]) expect(read).toMatchObject([{ coverage: expected }]);
    const silent = await new SampleReader({ ...setup, reading }).run({ ...task, items, images });
    expect(silent.items[0]).not.toHaveProperty("coverage");
  });

  test("the coverage follows warps as its image does", () => {
    const coverage = Uint8Array.of(255, 0, 10, 20);
    expect([...warpCoverage(coverage, 2, 2, [{ kind: "flip-y" }])]).toEqual([10, 20, 255, 0]);
    const right = { kind: "affine", matrix: [1, 0, -1, 0, 1, 0] } as const;
    expect([...warpCoverage(coverage, 2, 2, [right])]).toEqual([0, 255, 0, 10]);
  });
});

test("a volume's slices share a window that no voxel without a number enters", async () => {
  const values = Float32Array.from({ length: 2 * 40 }, (_, i) => (i < 40 ? Number.NaN : i));
  const stack = write("stack.npy", encodeNpy(values, [2, 1, 40]));
  const image = await decodeImage(stack, { item: 1, window: parseWindow("full") });
  expect([image.pixels[0], image.pixels[39]]).toEqual([0, 255]);
  const empty = await decodeImage(stack, { item: 0, window: parseWindow("full") });
  expect(empty.unmeasured?.every((mark) => mark === 1)).toBe(true);
});
