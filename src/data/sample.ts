/** One labelled picture. */
export interface Sample {
  /** As given to the file system. */
  path: string;
  /** Index into the data set's class names; −1 where nobody knows it: the sample is then unlabelled. */
  label: number;
  /** Whether nothing may be learned of its label, values or masks: of a training image that has none, or is beyond the share of labels that is used. */
  unlabelled?: true;
  /** Numbers that belong to it, in the order of all samples; NaN for one that is not known. */
  values?: readonly number[];
  /** Frame, page or slice of a file that holds several, from 0; absent where the file holds one picture. */
  item?: number;
  /** Patient or lesion: what may not stand in two splits. Pictures of one file belong together even without it. */
  group?: string;
  /**
   * What is outlined in it; none: all of it is background. Where masks overlap, the later one counts; the first one
   * decides the label where labels come from masks. Absent where nobody has said.
   */
  masks?: readonly SampleMask[];
}

/** The class of what no mask outlines, where a data set gives it no name. */
export const BACKGROUND = "background";

/** The class of what masks outline, where a data set gives it no name. */
export const UNNAMED = "lesion";

/** The one class of images that are told apart by values alone. */
export const UNCLASSED = "image";

/** What a table has in place of a mask where somebody has looked and there is nothing to outline. */
export const NO_MASK = "none";

/** From here on a mask's value is light. */
export const LIGHT = 128;

/** A file that outlines things in a picture, pixel on pixel: one class, or one for each of its values. */
export type SampleMask = Outline | LabelMap;

interface MaskFile {
  /** As given to the file system. */
  path: string;
  /** Frame, page or slice of the file, from 0; absent: the one of the picture's own number. */
  item?: number;
}

/** A mask whose labelled pixels are of one class. */
export interface Outline extends MaskFile {
  /** Index into the data set's classes of masks. */
  class: number;
  /**
   * Labelled are values of at least {@link LIGHT} only, rather than all but 0. Without it, each picture says: it is so
   * where any value is as light, since masks saved as JPEG have faint noise.
   */
  light?: boolean;
}

/** A mask whose values are labels. */
export interface LabelMap extends MaskFile {
  /** The classes of values, as indices into the data set's classes of masks; {@link IGNORED} for pixels nobody judged. */
  values: ReadonlyMap<number, number>;
}
