/** Defined terms of Specific Character Set (PS3.3 C.12.1.1.2) that are not ASCII, by the Web's encoding labels. */
const LABELS: Record<string, string> = {
  "ISO_IR 100": "windows-1252",
  "ISO_IR 101": "iso-8859-2",
  "ISO_IR 109": "iso-8859-3",
  "ISO_IR 110": "iso-8859-4",
  "ISO_IR 144": "iso-8859-5",
  "ISO_IR 127": "iso-8859-6",
  "ISO_IR 126": "iso-8859-7",
  "ISO_IR 138": "iso-8859-8",
  "ISO_IR 148": "windows-1254",
  "ISO_IR 203": "iso-8859-15",
  "ISO_IR 13": "shift_jis",
  "ISO_IR 166": "windows-874",
  "ISO_IR 192": "utf-8",
  "ISO_IR 87": "iso-2022-jp",
  "ISO_IR 149": "euc-kr",
  "ISO_IR 58": "gb18030",
  GB18030: "gb18030",
  GBK: "gbk",
};

const decoders = new Map<string, TextDecoder>();

/**
 * Text of a value. `characterSet` is the element (0008,0005) as text: of several terms the last known one counts, since
 * code extensions stand after the default.
 */
export function decodeText(bytes: Uint8Array, characterSet: string): string {
  if (isAscii(bytes)) return String.fromCharCode(...bytes);
  return decoderFor(characterSet).decode(bytes);
}

function decoderFor(characterSet: string): TextDecoder {
  let decoder = decoders.get(characterSet);
  if (!decoder) {
    const terms = characterSet.split("\\").map((term) => term.trim().replace(/^ISO 2022 IR/, "ISO_IR"));
    const label = terms.map((term) => LABELS[term]).findLast((known) => known !== undefined);
    decoder = new TextDecoder(label ?? "windows-1252");
    decoders.set(characterSet, decoder);
  }
  return decoder;
}

// Escape sequences count as other than ASCII. Long values go through the decoder, which takes any length.
function isAscii(bytes: Uint8Array): boolean {
  if (bytes.length > 1024) return false;
  for (const byte of bytes) if (byte > 0x7e || byte === 0x1b) return false;
  return true;
}
