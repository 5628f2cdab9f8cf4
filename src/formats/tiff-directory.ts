import { LIMITS } from "./limits.ts";

/** What a TIFF page says about itself, as far as reading its samples needs. */
export interface TiffPage {
  littleEndian: boolean;
  width: number;
  height: number;
  bits: number;
  /** 1: unsigned, 2: signed, 3: float. */
  sampleFormat: number;
  samples: number;
  compression: number;
  photometric: number;
  predictor: number;
  /** Samples of one colour after another (2) or interleaved (1). */
  planar: number;
  /** 1 to 8, as in EXIF. */
  orientation: number;
  /** What each sample beyond the colours is: 1 premultiplied alpha, 2 alpha, 0 anything. */
  extra: number[];
  tiled: boolean;
  /** Of a strip (as wide as the page) or a tile. */
  blockWidth: number;
  blockHeight: number;
  offsets: number[];
  byteCounts: number[];
}

// Source: TIFF 6.0, section 2 and 15; BigTIFF's 64-bit types.
const TYPE_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 1],
  [3, 2],
  [4, 4],
  [16, 8],
]);
const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  orientation: 274,
  samples: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planar: 284,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  extra: 338,
  sampleFormat: 339,
} as const;
const READ_TAGS: ReadonlySet<number> = new Set(Object.values(TAG));
/**
 * Reads the directory of every page, of classic and 64-bit TIFF of either byte order.
 *
 * @throws Error when a directory leads outside the file, the pages lead in a circle, or there are more than `limit`.
 */
export function readTiffPages(bytes: Uint8Array, limit: number): TiffPage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = view.getUint16(0, true) === 0x4949;
  const big = view.getUint16(2, littleEndian) === 43;
  const pages: TiffPage[] = [];
  const seen = new Set<number>();
  // Tables of several pages may be the same bytes, so that a small file could fill the memory with them.
  const budget = { values: LIMITS.tiffBlocks };
  let at = big ? long(view, 8, littleEndian) : view.getUint32(4, littleEndian);
  while (at !== 0) {
    if (seen.has(at)) throw new Error("TIFF pages that lead in a circle");
    if (pages.length === limit) throw new Error(`more than ${limit} TIFF pages`);
    seen.add(at);
    const { tags, next } = readDirectory(view, at, littleEndian, big, budget);
    pages.push(toPage(tags, littleEndian));
    at = next;
  }
  return pages;
}

function readDirectory(
  view: DataView,
  at: number,
  littleEndian: boolean,
  big: boolean,
  budget: { values: number },
): { tags: Map<number, number[]>; next: number } {
  const entries = big ? long(view, at, littleEndian) : view.getUint16(at, littleEndian);
  const first = at + (big ? 8 : 2);
  const entryBytes = big ? 20 : 12;
  const end = first + entries * entryBytes;
  if (end > view.byteLength) throw new Error("a TIFF directory cut short");
  const tags = new Map<number, number[]>();
  for (let entry = first; entry < end; entry += entryBytes) {
    const tag = view.getUint16(entry, littleEndian);
    const size = TYPE_BYTES.get(view.getUint16(entry + 2, littleEndian));
    if (!READ_TAGS.has(tag) || size === undefined) continue;
    const count = big ? long(view, entry + 4, littleEndian) : view.getUint32(entry + 4, littleEndian);
    budget.values -= count;
    if (budget.values < 0) throw new Error(`more than ${LIMITS.tiffBlocks} blocks in the pages of a TIFF file`);
    const inline = entry + (big ? 12 : 8);
    const fits = count * size <= (big ? 8 : 4);
    const start = fits ? inline : big ? long(view, inline, littleEndian) : view.getUint32(inline, littleEndian);
    if (start + count * size > view.byteLength) throw new Error("a TIFF tag that leads outside the file");
    tags.set(
      tag,
      Array.from({ length: count }, (_, i) => unsigned(view, start + i * size, size, littleEndian)),
    );
  }
  return { tags, next: big ? long(view, end, littleEndian) : view.getUint32(end, littleEndian) };
}

function unsigned(view: DataView, at: number, size: number, littleEndian: boolean): number {
  if (size === 1) return view.getUint8(at);
  if (size === 2) return view.getUint16(at, littleEndian);
  return size === 4 ? view.getUint32(at, littleEndian) : long(view, at, littleEndian);
}

function long(view: DataView, at: number, littleEndian: boolean): number {
  return Number(view.getBigUint64(at, littleEndian));
}

function toPage(tags: ReadonlyMap<number, number[]>, littleEndian: boolean): TiffPage {
  const one = (tag: number, otherwise: number) => tags.get(tag)?.[0] ?? otherwise;
  const width = one(TAG.width, 0);
  const height = one(TAG.height, 0);
  const tiled = tags.has(TAG.tileOffsets);
  return {
    littleEndian,
    width,
    height,
    bits: one(TAG.bits, 1),
    sampleFormat: one(TAG.sampleFormat, 1),
    samples: one(TAG.samples, 1),
    compression: one(TAG.compression, 1),
    photometric: one(TAG.photometric, 1),
    predictor: one(TAG.predictor, 1),
    planar: one(TAG.planar, 1),
    orientation: one(TAG.orientation, 1),
    extra: tags.get(TAG.extra) ?? [],
    tiled,
    blockWidth: tiled ? one(TAG.tileWidth, 0) : width,
    blockHeight: tiled ? one(TAG.tileHeight, 0) : Math.min(height, one(TAG.rowsPerStrip, height)),
    offsets: tags.get(tiled ? TAG.tileOffsets : TAG.stripOffsets) ?? [],
    byteCounts: tags.get(tiled ? TAG.tileByteCounts : TAG.stripByteCounts) ?? [],
  };
}
