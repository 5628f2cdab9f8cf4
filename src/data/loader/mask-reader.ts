import type { SliceAxis } from "../../formats/source-image.ts";
import { MsmaeError } from "../../support/errors.ts";
import { gridOf, openMask } from "../index/mask-file.ts";
import { chooseItem } from "../pictures/decode-image.ts";
import { OpenFiles } from "../pictures/open-files.ts";
import type { SampleMask } from "../sample.ts";
import { paintMask } from "../targets/class-map.ts";

/** The picture that masks belong to. */
export interface MaskedPicture {
  path: string;
  /** Frame, page or slice of a file that holds several. */
  item?: number | undefined;
  height: number;
  width: number;
}

/** Decodes the masks of pictures; one for each thread. */
export class MaskReader {
  readonly #axis: SliceAxis;
  readonly #files = new OpenFiles();

  constructor(axis: SliceAxis) {
    this.#axis = axis;
  }

  /**
   * The class of each pixel of a picture before it is cropped, uint8 [height, width]. The mask of a slice is the slice that
   * lies there, however the voxels of both volumes are stored. Where masks overlap, the later one counts.
   *
   * @throws MsmaeError Data when a mask cannot be read, is of another size, lacks the picture, or holds what is no class.
   */
  async read(picture: MaskedPicture, masks: readonly SampleMask[]): Promise<Uint8Array> {
    const classes = new Uint8Array(picture.height * picture.width);
    for (const mask of masks) {
      const { path } = picture;
      const open = async () => openMask(mask.path, await gridOf(path));
      const file = await this.#files.get(mask.path, path, open, masks.length);
      const found = await file.read(this.#itemOf(picture, mask, file), this.#axis);
      if (found.height !== picture.height || found.width !== picture.width) throw otherSize(mask, found, picture);
      paintMask(classes, mask, found);
    }
    return classes;
  }

  #itemOf(picture: MaskedPicture, { path, item = picture.item }: SampleMask, file: Parameters<typeof chooseItem>[1]) {
    const count = file.count(this.#axis);
    if (item !== undefined || count <= 1) return chooseItem(path, file, this.#axis, item);
    throw new MsmaeError("Data", {
      where: path,
      expected: `a mask of one picture, as ${picture.path} has`,
      got: `${count}`,
      todo: "say which picture of the file is the mask",
    });
  }
}

interface Size {
  height: number;
  width: number;
}

function otherSize({ path }: SampleMask, mask: Size, picture: MaskedPicture): MsmaeError {
  const turned = mask.height === picture.width && mask.width === picture.height;
  return new MsmaeError("Data", {
    where: path,
    expected: `a mask of ${picture.width}×${picture.height} pixels, as ${picture.path} has`,
    got: `${mask.width}×${mask.height}`,
    todo: turned
      ? "turn the mask as the image is shown, which its Exif orientation may decide"
      : "save the mask at the size of its image, resized by nearest neighbour, or correct the pair of files",
  });
}
