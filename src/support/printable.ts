/**
 * Characters that a terminal obeys instead of showing (C0, DEL, C1), that end a line, that change the direction of the
 * text around them, or that stand for no character at all.
 */
const OBEYED = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\p{Cs}]/gu;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Text for people, safe on a terminal and in one line: names of files and classes and values of headers may hold
 * anything. What a terminal would obey is shown as the escape that JavaScript and JSON have for it.
 */
export function printable(text: string): string {
  return text.replace(OBEYED, (character) => NAMED[character] ?? escaped(character));
}

/** JSON that holds the same values, in which nothing is left that a terminal obeys. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(OBEYED, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
