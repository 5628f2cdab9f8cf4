import type { PresetName } from "../../config/verbs/data-prepare.ts";
import type { Split } from "../../data/dataset.ts";
import type { FileWindow } from "../../formats/source-image.ts";
import type { WindowRule } from "../../images/window.ts";
import type { MsmaeError } from "../../support/errors.ts";
import type { Archive } from "../archives/archive.ts";
import type { Table } from "./table.ts";

/** One entry of one of the archives, as found before anything is unpacked. */
export interface SurveyEntry {
  /** Index of its archive. */
  archive: number;
  /** Its place in the order of its archive. */
  index: number;
  /** Path inside the archive, "/" between. */
  name: string;
  /** Last part of the name. */
  file: string;
  /** The file name without its extension, in lower case. */
  stem: string;
  /** Bytes. */
  size: number;
}

/** All that is known of the archives before anything is unpacked. */
export interface Survey {
  archives: readonly Archive[];
  entries: SurveyEntry[];
  /** The entries that are pictures by their extension and are not empty. */
  pictures: SurveyEntry[];
  /** Pictures of no bytes. */
  empty: SurveyEntry[];
  tables: Table[];
  /** Indices of the archives that hold them. */
  tableArchives: ReadonlySet<number>;
  /** The error for archives that do not belong to the preset. */
  wrongArchives(expected: string): MsmaeError;
}

/** One published data set: where it comes from, what its archives hold and how they become a data set. */
export interface Preset {
  name: PresetName;
  title: string;
  /** In the source's own words as far as they are short. */
  licence: string;
  /** Where the archives are published. */
  source: string;
  citation: string;
  /** What has to be given, for messages and documentation. */
  expects: readonly string[];
  /** Known faults of the published data that its user should hear of. */
  caveats: readonly string[];
  /** Whether the pictures are CT values that a window turns into grey levels. */
  windowed?: boolean;
  /** Whether an entry is a table that {@link Preset.plan} needs, by its name. */
  isTable?(name: string): boolean;
  /** Whether archives with these entries look like this data set. */
  recognises(names: readonly string[]): boolean;
  /** @throws MsmaeError Data when the archives are not those of this data set, or their tables cannot be read. */
  plan(survey: Survey, options: PlanOptions): Plan;
}

export interface PlanOptions {
  /** For CT pictures; undefined takes the published window of each. */
  window: WindowRule | undefined;
}

/** What is to be made of the entries of the archives. */
export interface Plan {
  /** `folders`: an ImageFolder. `segmentation`: images/ with masks/1/ beside, and the classes in dataset.csv. */
  layout: "folders" | "segmentation";
  images: PlannedImage[];
  leftOut: LeftOut[];
  /** Sentences for the user, about this run. */
  notes: string[];
  /**
   * What two different files of one {@link PlannedImage.id} are: `ambiguous` (a row that names both) or `two` images
   * that only share their name.
   */
  sameId: "ambiguous" | "two";
  /** What 255 means in the masks. */
  maskMeaning?: string;
}

/** One image of the data set to be. */
export interface PlannedImage {
  source: SurveyEntry;
  /** Tells images apart; two of the same are looked at byte by byte. In lower case. */
  id: string;
  /** File name in the output. */
  name: string;
  label: string;
  /** As published; undefined is drawn. */
  split?: Split;
  patient?: string;
  lesion?: string;
  /** What else a table says of it, by the column's title: for subgroups. Empty where it is not known. */
  further?: Readonly<Record<string, string>>;
  /** Masks to be united into one: a pixel belongs to it where any is at least half as bright as white. */
  masks?: readonly SurveyEntry[];
  /** 16-bit CT values plus 32768, to be written as 8 bits through a window. */
  ct?: { windows: readonly FileWindow[]; rule: WindowRule };
}

/** Something of the archives or their tables that is not in the data set. */
export interface LeftOut {
  /** Of the entry or the row. */
  name: string;
  reason: string;
  /** What it is counted under. Default: its reason. */
  kind?: string;
  /** Published sets have no such thing: something is wrong with this file. */
  odd?: boolean;
}

/** A file that is not as it should be, and what became of it. */
export interface OddFile {
  name: string;
  reason: string;
  action: "left out" | "scaled";
}
