/** Text of one byte a character, as ISO 8859-1 has it; TextDecoder's `latin1` is another. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
