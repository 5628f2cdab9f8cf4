import { type Dataset, type Sample, SPLITS, type Split } from "../../data/dataset.ts";
import { BORDER_FEATURES, type Fingerprint, HISTOGRAM_BINS } from "./fingerprint.ts";
import type { FileOutcome, FileTask, PictureOutcome } from "./scan-file.ts";
import { THUMB_AREA } from "./symmetry.ts";

/** A file that could not be read, or one picture of it. */
export interface UnreadableImage {
  /** How many pictures of the file the error is one of, where there are several. */
  images?: number;
  /** Relative to the data set's root. */
  path: string;
  item?: number;
  error: { code: string; message: string };
}

/** Everything that is remembered of a data set's pictures: about 2 kB for each. */
export class Pictures {
  readonly samples: readonly Sample[];
  /** Index into SPLITS. */
  readonly splits: Uint8Array;
  /** 0 or 1. */
  readonly readable: Uint8Array;
  /** uint8 [count, 32, 32]. */
  readonly thumbs: Uint8Array;
  /** How much of each pixel of a thumbnail was measured, uint8 [32, 32] to 255, of the pictures where not all was. */
  readonly coverages = new Map<number, Uint8Array>();
  /** float32 [count, {@link BORDER_FEATURES}]; NaN where a piece of the border holds no measurement. */
  readonly borders: Float32Array;
  readonly hashes: string[];
  readonly means: Float32Array;
  readonly deviations: Float32Array;
  /** From the 1st to the 99th percentile of the grey levels. */
  readonly ranges: Float32Array;
  readonly widths: Uint32Array;
  readonly heights: Uint32Array;
  readonly formats: string[];
  /** Such as `grey uint8`. */
  readonly modes: string[];
  /** Of the file, shared out among its pictures. */
  readonly bytes: Float64Array;
  readonly unreadable: { at: number; error: { code: string; message: string } }[] = [];
  /** Files that hold each DICOM attribute. */
  readonly identifying = new Map<string, number>();
  dicomFiles = 0;
  readonly #histograms = new Map<number, { sum: Float64Array; count: number }>();

  constructor(dataset: Dataset) {
    this.samples = SPLITS.flatMap((split) => dataset.splits[split]);
    const count = this.samples.length;
    this.splits = Uint8Array.from(SPLITS.flatMap((split, at) => dataset.splits[split].map(() => at)));
    this.readable = new Uint8Array(count);
    this.thumbs = new Uint8Array(count * THUMB_AREA);
    this.borders = new Float32Array(count * BORDER_FEATURES);
    this.hashes = new Array<string>(count).fill("");
    this.means = new Float32Array(count);
    this.deviations = new Float32Array(count);
    this.ranges = new Float32Array(count);
    this.widths = new Uint32Array(count);
    this.heights = new Uint32Array(count);
    this.formats = new Array<string>(count).fill("unknown");
    this.modes = new Array<string>(count).fill("");
    this.bytes = new Float64Array(count);
  }

  get count(): number {
    return this.samples.length;
  }

  sample(at: number): Sample {
    return this.samples[at] as Sample;
  }

  splitOf(at: number): Split {
    return SPLITS[this.splits[at] as number] as Split;
  }

  thumb(at: number): Uint8Array {
    return this.thumbs.subarray(at * THUMB_AREA, (at + 1) * THUMB_AREA);
  }

  /** A slice that shows one grey level only: all such are alike, and nothing follows from it. */
  isEmptySlice(at: number): boolean {
    return this.sample(at).item !== undefined && (this.deviations[at] as number) < 0.5;
  }

  /** The files, with the positions of the pictures taken from each. */
  tasks(): { task: FileTask; positions: number[] }[] {
    const byPath = new Map<string, { task: FileTask; positions: number[] }>();
    for (const [at, { path, item }] of this.samples.entries()) {
      const known = byPath.get(path) ?? { task: { path, items: [] }, positions: [] };
      byPath.set(path, known);
      known.task.items.push(item);
      known.positions.push(at);
    }
    return [...byPath.values()];
  }

  add(at: number, outcome: PictureOutcome): void {
    if ("error" in outcome) {
      this.unreadable.push({ at, error: outcome.error });
      return;
    }
    this.readable[at] = 1;
    this.hashes[at] = outcome.pixelHash;
    this.thumbs.set(outcome.thumb, at * THUMB_AREA);
    if (outcome.coverage) this.coverages.set(at, outcome.coverage);
    this.borders.set(outcome.border, at * BORDER_FEATURES);
    this.means[at] = outcome.mean;
    this.deviations[at] = outcome.deviation;
    this.ranges[at] = outcome.high - outcome.low;
    this.widths[at] = outcome.width;
    this.heights[at] = outcome.height;
    this.modes[at] = `${outcome.channels === 1 ? "grey" : "colour"} ${outcome.type}`;
    this.#addHistogram(at, outcome);
  }

  addFile(positions: readonly number[], { format, bytes, identifying }: FileOutcome): void {
    for (const at of positions) {
      this.formats[at] = format;
      this.bytes[at] = bytes / positions.length;
    }
    if (format === "DICOM") this.dicomFiles++;
    for (const name of identifying) this.identifying.set(name, (this.identifying.get(name) ?? 0) + 1);
  }

  /** Mean share of each bin of grey levels, of the pictures of a split, a class, both or all; undefined without any. */
  histogram(chosen: (split: number, label: number) => boolean): Float64Array | undefined {
    const mean = new Float64Array(HISTOGRAM_BINS);
    let total = 0;
    for (const [key, { sum, count }] of this.#histograms) {
      if (!chosen(key % SPLITS.length, Math.floor(key / SPLITS.length))) continue;
      total += count;
      for (const [bin, share] of sum.entries()) mean[bin] = (mean[bin] as number) + share;
    }
    return total === 0 ? undefined : mean.map((share) => share / total);
  }

  #addHistogram(at: number, { histogram }: Fingerprint): void {
    const key = this.sample(at).label * SPLITS.length + (this.splits[at] as number);
    const held = this.#histograms.get(key) ?? { sum: new Float64Array(HISTOGRAM_BINS), count: 0 };
    this.#histograms.set(key, held);
    held.count++;
    for (const [bin, share] of histogram.entries()) held.sum[bin] = (held.sum[bin] as number) + share;
  }
}
