/**
 * The URL of a module of this package that starts a thread: TypeScript where the package runs from its sources, else
 * JavaScript.
 *
 * @param name the module from the one that asks, without ending: `./worker`.
 * @param base `import.meta.url` of the one that asks.
 */
export function moduleUrl(name: string, base: string): URL {
  return new URL(`${name}${base.endsWith(".ts") ? ".ts" : ".js"}`, base);
}
