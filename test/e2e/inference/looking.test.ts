import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { evaluate } from "../../../src/inference/evaluate.ts";
import { createWeights } from "../../../src/inference/session.ts";
import { kindOf } from "../../../src/interop/model-file.ts";
import { type Grid, localisation } from "../../../src/results/visual/index.ts";
import { classifier, writePicture } from "../micro-models.ts";
import { at, checkpoints, classifierWeights, directMap, msmae } from "./scene.ts";

const SIZE = { width: 61, height: 45 };
const names = classifier.classNames.flatMap((name) => [0, 1, 2, 3].map((i) => `looked/${name}-${i}.png`));
/** A box in each image but the last two: of one the mask is empty, of the other nobody knows. */
const boxes = names.slice(0, -2).map((_, i) => ({ left: 3 * i, top: 2 * i, width: 9 + i, height: 12 }));
const table = at("looked.csv");
const given = { checkpoint: checkpoints.classifier, dataPath: table, report: true, threads: 1, workers: 1 } as const;

function maskOf(box: (typeof boxes)[number] | undefined): Uint8Array {
  return Uint8Array.from({ length: SIZE.width * SIZE.height }, (_, pixel) => {
    const [x, y] = [pixel % SIZE.width, Math.floor(pixel / SIZE.width)];
    const inside = box && x >= box.left && x < box.left + box.width && y >= box.top && y < box.top + box.height;
    return inside ? 255 : 0;
  });
}

beforeAll(async () => {
  const rows = ["path,label,split,mask"];
  for (const [i, name] of names.entries()) {
    await writePicture(at(name), 900 + i, SIZE.width, SIZE.height);
    const mask = i < names.length - 1 ? name.replace("looked/", "looked/masks/") : "";
    if (mask !== "") {
      mkdirSync(dirname(at(mask)), { recursive: true });
      const drawn = sharp(maskOf(boxes[i]), { raw: { ...SIZE, channels: 1 } });
      await drawn.png().toFile(at(mask));
    }
    rows.push(`${name},${name.slice(7, -6)},test,${mask}`);
  }
  writeFileSync(table, `${rows.join("\n")}\n`);
});

describe("where a classifier looks, by eval --report", () => {
  test("equals the maps and masks themselves, beside the middle and the weights drawn from the model's seed", async () => {
    const { localisation: found } = await evaluate(given);
    const drawn = createWeights(kindOf(classifier).specs(classifier.config), classifier.seed);
    const random = new Map(drawn.names.map((name) => [name, Float32Array.from(drawn.parameter(name))]));
    const mapsBy = (weights: Map<string, Float32Array>): Promise<Grid[]> =>
      Promise.all(
        [...boxes, undefined].map(async (_, i) => {
          const data = await directMap(at(names[i] as string), weights, classifier.config);
          return { height: 4, width: 6, data };
        }),
      );
    const masks = [...boxes, undefined].map((box) => ({ ...SIZE, data: maskOf(box) }));
    const maps = await mapsBy(classifierWeights);
    const expected = localisation({ maps, masks, random: await mapsBy(random), seed: classifier.seed });
    expect(found).toMatchObject({ n: boxes.length, withoutLesion: 1, groups: boxes.length });
    for (const measure of ["insideShare", "auc", "pointing"] as const) {
      for (const part of ["maps", "random", "centre", "overRandom", "overCentre"] as const) {
        expect(found?.[measure][part]?.value).toBeCloseTo(expected[measure][part]?.value as number, 3);
      }
    }
    expect(found?.auc.maps.value).not.toBeCloseTo(found?.auc.random?.value as number, 2);
    expect(found?.auc).not.toHaveProperty("perImage");
  });

  test("the report has it, with outlines, and the surest errors with what a pre-trained model fills in", async () => {
    const outputDir = at("looked-evaluation");
    const argv = ["eval", "--checkpoint", checkpoints.classifier, "--data-path", table, "--report"];
    const { code } = msmae(...argv, "--pretrained", checkpoints.pretrained, "--output-dir", outputDir);
    expect(code).toBe(0);
    const report = readFileSync(`${outputDir}/report.html`, "utf8");
    expect(report).toContain("Does it look at the lesion?");
    expect(report).toContain("the network never saw it");
    const [, ...lines] = readFileSync(`${outputDir}/predictions.csv`, "utf8").trimEnd().split("\n");
    const wrong = lines.flatMap((line) => {
      const [path, truth, told, ...probabilities] = line.split(",");
      return truth === told ? [] : [{ path, sure: Math.max(...probabilities.map(Number)) }];
    });
    expect(wrong.length).toBeGreaterThan(2);
    const surest = wrong.sort((a, b) => b.sure - a.sure).slice(0, 8);
    const section = report.slice(report.indexOf('<section id="errors"'), report.indexOf('<section id="provenance"'));
    const shown = [...section.matchAll(/<h3>([^:<]+): /g)].map((match) => match[1]);
    expect(shown).toEqual(surest.map(({ path }) => path));
    for (const what of ["attention map of this classifier", "hidden patches filled in"]) {
      expect(section.match(new RegExp(`alt="[^"]*: ${what}"`, "g"))).toHaveLength(surest.length);
    }
  });

  test("is not told where no image has a mask, and a mask that cannot be read leaves its image out", async () => {
    expect(await evaluate({ ...given, dataPath: at("data") })).not.toHaveProperty("localisation");
    const first = at((names[0] as string).replace("looked/", "looked/masks/"));
    const whole = readFileSync(first);
    writeFileSync(first, whole.subarray(0, 40));
    const { localisation: found, n } = await evaluate(given);
    writeFileSync(first, whole);
    expect([n, found?.n]).toEqual([names.length, boxes.length - 1]);
  });

  test("another kind of checkpoint than a pre-trained one fills nothing in, and is refused", async () => {
    const wrongly = { ...given, pretrained: checkpoints.classifier, outputDir: at("looked-refused") };
    await expect(evaluate(wrongly)).rejects.toMatchObject({ code: "Checkpoint" });
  });
});
