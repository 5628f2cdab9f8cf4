/** What a table may be at most. */
export const TABLE_LIMITS = {
  bytes: 2 ** 27,
  rows: 2 ** 21,
  /** Characters of the longest line. */
  line: 2 ** 16,
} as const;
