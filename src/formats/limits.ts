/** What one image file may ask for at most, so that no file takes the memory or the time of the run. */
export interface DecodeLimits {
  fileBytes: number;
  /** Of one picture. */
  pixels: number;
  /** Frames or pages. */
  frames: number;
  /** Slices of a volume, those of all its time points together. */
  slices: number;
  /** Of everything held at a time after decompression. */
  decodedBytes: number;
  /**
   * After decompression, of a file that is packed as a whole and does not say at its beginning how large it is: deflated
   * DICOM, and all but NIfTI and NumPy in gzip.
   */
  packedBytes: number;
}

export const DEFAULT_LIMITS: DecodeLimits = {
  fileBytes: 2 ** 31,
  pixels: 2 ** 28,
  frames: 100_000,
  slices: 2 ** 20,
  decodedBytes: 2 ** 31,
  packedBytes: 2 ** 28,
};

/** Bounds of what the parts of a file may be: what is beyond them is an error or left alone. */
export const LIMITS = {
  /** Elements, items and fragments of one DICOM file. */
  dicomElements: 2 ** 20,
  /** Sequences within each other. */
  dicomDepth: 32,
  /** Of one DICOM value that is read as text or numbers; what follows is left alone. */
  dicomValueBytes: 2 ** 20,
  /** Of a deflated DICOM header, and of a DICOMDIR. */
  dicomHeaderBytes: 2 ** 26,
  dicomdirBytes: 2 ** 28,
  /** Blocks of all pages of one TIFF file. */
  tiffBlocks: 2 ** 22,
  npyAxes: 64,
} as const;

/**
 * Bytes that one byte of a deflate or gzip stream can hold at most: a length of 258 takes two bits. What claims more of
 * its packed bytes cannot be true, while an empty volume comes close.
 */
export const DEFLATE_RATIO = 1032;
