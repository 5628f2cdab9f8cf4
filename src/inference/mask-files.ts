import { niftiHeaderOf } from "../data/index/file-facts.ts";
import { gzip } from "../formats/gzip.ts";
import { openImageFile } from "../formats/node/open-image-file.ts";
import type { LabelVolume, SliceAxis } from "../formats/source-image.ts";
import { encodeGreyPng, encodePng } from "../results/report/png.ts";
import { classesAt, maskPixels, outlineClasses, type RgbImage } from "../results/visual/index.ts";
import { failureOf } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import type { OutputFolder } from "../support/files/output-folder.ts";
import type { PictureRef } from "./list-pictures.ts";
import type { MaskPrediction } from "./outcomes/masks.ts";
import { outputNames } from "./output-names.ts";
import { type FileFailure, type FileImage, nameOf } from "./read-files.ts";

/** What a segmenter says of one image, and where its mask was written. */
export interface MaskLine extends Pick<MaskPrediction, "areas" | "confidences"> {
  path: string;
  /** Frame, page or slice of a file that holds several. */
  slice?: number;
  /**
   * PNG of the image's own size, 0 and 255 for one class, else class indices. Of a NIfTI file, a label volume of class
   * indices in its place for all its slices.
   */
  mask: string;
  /** PNG: the image with the outlines of the classes. */
  overlay: string;
}

const SUFFIXES = ["-mask.png", "-overlay.png", "-mask.nii.gz"] as const;
export const MASK_FILES = /-(mask\.png|overlay\.png|mask\.nii\.gz)$/;

/** A volume whose slices come one after the other. */
interface OpenVolume {
  path: string;
  labels: LabelVolume;
  /** Name of the file to come. */
  name: string;
  put: number;
  slices: number;
  /** Said once the file is there. */
  waiting: (MaskLine | FileFailure)[];
}

/** Writes the masks of a segmenter, and says where they are. */
export class MaskFiles {
  readonly #folder: OutputFolder;
  readonly #classes: number;
  readonly #axis: SliceAxis;
  readonly #hooks: RunHooks;
  /** By the index of a picture. */
  readonly #names: string[][];
  /** Names of label volumes, by the path of the image. */
  readonly #volumes: ReadonlyMap<string, string>;
  #open: OpenVolume | undefined;

  private constructor(
    folder: OutputFolder,
    { names, volumes }: { names: string[][]; volumes: ReadonlyMap<string, string> },
    { classes, axis, hooks }: { classes: number; axis: SliceAxis; hooks: RunHooks },
  ) {
    this.#folder = folder;
    this.#names = names;
    this.#volumes = volumes;
    this.#classes = classes;
    this.#axis = axis;
    this.#hooks = hooks;
  }

  /**
   * @param pictures what is asked about, in the order in which it will be said.
   * @param classes number of classes, the background included.
   */
  static async create(
    folder: OutputFolder,
    pictures: readonly PictureRef[],
    how: { classes: number; axis: SliceAxis; hooks: RunHooks },
  ): Promise<MaskFiles> {
    const paths = [...new Set(pictures.map(({ path }) => path))];
    const headers = await Promise.all(paths.map((path) => niftiHeaderOf(path).catch(() => undefined)));
    // A volume's name is that of its file, without the number of a slice.
    const volumes = paths.filter((_, at) => headers[at]).map((path): PictureRef => ({ path }));
    const single = new Set(pictures.filter(({ item }) => item === undefined).map(({ path }) => path));
    const own = volumes.filter(({ path }) => !single.has(path));
    const all = await outputNames([...pictures, ...own], folder.path, SUFFIXES);
    const names = all.slice(0, pictures.length);
    const ofVolume = ({ path }: PictureRef) => {
      const at = single.has(path)
        ? pictures.findIndex((one) => one.path === path)
        : pictures.length + own.findIndex((one) => one.path === path);
      return [path, (all[at] as string[])[2] as string] as const;
    };
    return new MaskFiles(folder, { names, volumes: new Map(volumes.map(ofVolume)) }, how);
  }

  /** Writes what was said of a picture. The lines of a volume come once its file is there. */
  async *add(file: FileImage, said: MaskPrediction): AsyncGenerator<MaskLine | FileFailure, void, void> {
    if (this.#open && this.#open.path !== file.path) yield* this.end();
    const [mask, overlay] = this.#names[file.index] as [string, string];
    await this.#write(overlay, await encodePng(drawn(file.picture as RgbImage, said)));
    const { areas, confidences } = said;
    const line = { ...nameOf(file), areas, confidences, overlay: this.#folder.at(overlay) };
    const volume = this.#volumes.get(file.path);
    if (volume === undefined) {
      const { height, width } = said;
      await this.#write(mask, await encodeGreyPng(maskPixels(said.classes, this.#classes), width, height));
      yield { ...line, mask: this.#folder.at(mask) };
      return;
    }
    const open = this.#open ?? (await this.#begin(file.path, volume));
    if ("error" in open) {
      yield open;
      return;
    }
    this.#open = open;
    open.labels.put(file.slice ?? 0, this.#axis, said.classes);
    open.put++;
    open.waiting.push({ ...line, mask: this.#folder.at(volume) });
  }

  /** A picture that could not be read: its line comes in its turn. */
  async *fail(failure: FileFailure): AsyncGenerator<MaskLine | FileFailure, void, void> {
    if (this.#open && this.#open.path !== failure.path) yield* this.end();
    if (this.#open) this.#open.waiting.push(failure);
    else yield failure;
  }

  /** Writes the volume in hand, and says its lines. */
  async *end(): AsyncGenerator<MaskLine | FileFailure, void, void> {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    await this.#write(open.name, await gzip(open.labels.encode()));
    if (open.put < open.slices) {
      const message = `${open.name}: ${open.put} of ${open.slices} slices were outlined, the others are background`;
      this.#hooks.onEvent?.({ type: "warning", message });
    }
    yield* open.waiting;
  }

  /** A volume to be labelled, or why it cannot be. */
  async #begin(path: string, name: string): Promise<OpenVolume | FileFailure> {
    try {
      const image = await openImageFile(path);
      const labels = image.labelVolume?.();
      if (!labels) throw new Error(`${path} has a NIfTI header, but no place for labels`);
      return { path, name, labels, put: 0, slices: image.count(this.#axis), waiting: [] };
    } catch (error) {
      return { path, error: failureOf(error) };
    }
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    await writeFileAtomic(this.#folder.at(name), bytes);
    await this.#folder.publish();
  }
}

/** The outlines of the classes on a picture, which may be smaller than the image. */
function drawn(picture: RgbImage, { height, width, classes }: MaskPrediction): RgbImage {
  const data = classesAt({ height, width, data: classes }, picture, "outlining classes");
  return outlineClasses(picture, { height: picture.height, width: picture.width, data });
}
