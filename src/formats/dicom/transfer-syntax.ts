/** How the pixels of a frame are coded. `jpeg` stands for all of ISO 10918, 14495 and 15444: the codestream tells. */
export type Coding = "native" | "jpeg" | "rle" | "deflate";

export interface TransferSyntax {
  uid: string;
  name: string;
  explicit: boolean;
  littleEndian: boolean;
  /** The whole data set is deflated. */
  deflated: boolean;
  coding: Coding;
}

const EXPLICIT = { explicit: true, littleEndian: true, deflated: false, coding: "native" } as const;

const ENTRIES: [uid: string, name: string, differs?: Partial<TransferSyntax>][] = [
  ["1.2.840.10008.1.2", "Implicit VR Little Endian", { explicit: false }],
  ["1.2.840.10008.1.2.1", "Explicit VR Little Endian"],
  ["1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian"],
  ["1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", { deflated: true }],
  ["1.2.840.10008.1.2.2", "Explicit VR Big Endian", { littleEndian: false }],
  ["1.2.840.10008.1.2.5", "RLE Lossless", { coding: "rle" }],
  ["1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression", { coding: "deflate" }],
  ["1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 and 4)", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.57", "JPEG Lossless (Process 14)", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.70", "JPEG Lossless (Process 14, Selection Value 1)", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.81", "JPEG-LS Lossy (Near-Lossless)", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.90", "JPEG 2000 (Lossless Only)", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.91", "JPEG 2000", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 (Lossless Only)", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 (Lossless Only)", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 RPCL (Lossless Only)", { coding: "jpeg" }],
  ["1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", { coding: "jpeg" }],
];

const SYNTAXES = new Map<string, TransferSyntax>(
  ENTRIES.map(([uid, name, differs]) => [uid, { uid, name, ...EXPLICIT, ...differs }]),
);

/** The syntax of a UID. Unknown ones are, by the standard, explicit little endian; their pixels cannot be decoded. */
export function transferSyntaxOf(uid: string): TransferSyntax | undefined {
  return SYNTAXES.get(uid);
}

export const IMPLICIT_LITTLE = SYNTAXES.get("1.2.840.10008.1.2") as TransferSyntax;
export const EXPLICIT_LITTLE = SYNTAXES.get("1.2.840.10008.1.2.1") as TransferSyntax;
export const EXPLICIT_BIG = SYNTAXES.get("1.2.840.10008.1.2.2") as TransferSyntax;
