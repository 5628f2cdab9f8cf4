import { basename, extname } from "node:path";

/**
 * What models are called by their checkpoints: by the folders of their runs, else by the files' own names, else by as much of
 * the end of either as tells them apart.
 *
 * @param paths of different files.
 * @returns [paths] distinct.
 */
export function modelNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => {
    const folders = path.split(/[/\\]+/).filter((part) => part !== "" && part !== ".");
    return [...folders.slice(0, -1), basename(path, extname(path))];
  });
  const deepest = Math.max(...parts.map(({ length }) => length));
  const ways = Array.from({ length: deepest }, (_, more) => [
    (own: readonly string[]) =>
      own
        .slice(0, -1)
        .slice(-1 - more)
        .join("/") || (own.at(-1) as string),
    (own: readonly string[]) => own.slice(-1 - more).join("/"),
  ]).flat();
  for (const name of ways) {
    const names = parts.map(name);
    if (new Set(names).size === names.length) return names;
  }
  return [...paths];
}
