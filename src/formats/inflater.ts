/** How deflated bytes are undone. */
export interface InflateOptions {
  /** `raw`, or `zlib` for what has a header and a check sum around it. */
  wrap: "raw" | "zlib";
  /** Bytes of the result at most. */
  limit: number;
  /** The bytes are the beginning of a longer stream: what they yield is enough. */
  partial?: boolean;
}

/** Unpacks what is packed by deflate, whatever the machine does it with. What it says of damage are zlib's own words. */
export interface Inflater {
  /** @throws UnpacksTooFar where the bytes hold more than the limit; Error where they are damaged or cut short. */
  inflate(bytes: Uint8Array, options: InflateOptions): Uint8Array;
  /**
   * Undoes gzip until `take` has enough or the stream ends. No more is unpacked ahead of it than a few pieces.
   *
   * @param take gets each piece and returns whether more is wanted.
   * @throws Error when the stream is cut short or damaged before that.
   */
  gunzip(bytes: Uint8Array, take: (piece: Uint8Array) => boolean): Promise<void>;
}

/** More bytes than the reader takes. */
export class UnpacksTooFar extends RangeError {}
