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
