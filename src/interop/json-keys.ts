/** A string, with the colon behind it where it is a key, or a bracket. */
const TOKENS = /"((?:[^"\\]|\\.)*)"(\s*:)?|[{}[\]]/g;

/** A key that stands twice in one object of valid JSON text, of which `JSON.parse` keeps the last without a word. */
export function repeatedKey(json: string): string | undefined {
  const enclosing: Set<string>[] = [];
  for (const [token, text, colon] of json.matchAll(TOKENS)) {
    if (token === "{" || token === "[") enclosing.push(new Set());
    else if (token === "}" || token === "]") enclosing.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(`"${text}"`) as string;
      const keys = enclosing.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
