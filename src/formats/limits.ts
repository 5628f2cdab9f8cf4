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

/** What an archive may make of the disk at most. */
export interface ArchiveLimits {
  entries: number;
  /** Of one entry after decompression. */
  entryBytes: number;
  /** Of all entries read in one pass. */
  totalBytes: number;
  /** Bytes after decompression for each compressed one, where there are more than {@link ArchiveLimits.ratioFreeBytes}. */
  ratio: number;
  /** Small entries may shrink as far as they like: an empty table or a black mask is no attack. */
  ratioFreeBytes: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  entries: 5_000_000,
  entryBytes: 2 ** 33,
  totalBytes: 2 ** 40,
  ratio: 200,
  ratioFreeBytes: 2 ** 24,
};

/** Bounds of everything else that is read of what a user gives: what is beyond them is an error or left alone. */
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
  /** Different labels of one slice of a mask. */
  labels: 2 ** 16,
  tableBytes: 2 ** 27,
  tableRows: 2 ** 21,
  /** Characters of a table's longest line. */
  tableLine: 2 ** 16,
  descriptionBytes: 2 ** 24,
  descriptionDepth: 64,
  /** Ways by which one folder may be reached through links. */
  folderVisits: 64,
} as const;

/**
 * Bytes that one byte of a deflate or gzip stream can hold at most: a length of 258 takes two bits. What claims more of
 * its packed bytes cannot be true, while an empty volume comes close.
 */
export const DEFLATE_RATIO = 1032;
