/** Lower case. */
const FILES: ReadonlySet<string> = new Set([".ds_store", "thumbs.db", "desktop.ini"]);
/** Of macOS archives, Synology's thumbnails and bins, Windows' bins and indices, and file systems' own, lower case. */
const FOLDERS: ReadonlySet<string> = new Set([
  "__macosx",
  "@eadir",
  "#recycle",
  "$recycle.bin",
  "system volume information",
  "lost+found",
]);

/** Whether a folder's own name is one that operating systems give, which nobody gives to images. */
export function isJunkFolder(name: string): boolean {
  return FOLDERS.has(name.toLowerCase());
}

/** What file managers and file systems leave behind: `__MACOSX`, `.DS_Store`, `._name`, `@eaDir` and the like. */
export function isJunk(name: string): boolean {
  const parts = name.split("/");
  const file = parts.at(-1) ?? "";
  return parts.some(isJunkFolder) || file.startsWith("._") || FILES.has(file.toLowerCase());
}
