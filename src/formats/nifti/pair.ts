const HEADER = /\.hdr(\.gz)?$/i;
const VOXELS = /\.img(\.gz)?$/i;

/** Whether a file's name is that of an Analyze or NIfTI header whose voxels stand in a file beside it. */
export function isPairHeader(path: string): boolean {
  return HEADER.test(path);
}

/** Whether a file's name is that of the voxels of an Analyze or NIfTI pair. */
export function isPairVoxels(path: string): boolean {
  return VOXELS.test(path);
}

/** The path of a pair without what tells its halves apart: the same for both. Other paths stay as they are. */
export function pairStem(path: string): string {
  return path.replace(isPairHeader(path) ? HEADER : VOXELS, "");
}

/** The names that the other half of a pair may have, the likeliest first. */
export function otherNames(path: string): string[] {
  const ending = isPairHeader(path) ? "img" : "hdr";
  const names = [`.${ending}`, `.${ending}.gz`, `.${ending.toUpperCase()}`, `.${ending.toUpperCase()}.GZ`];
  // Whoever writes one half in capitals writes the other so.
  const sorted = /\.[A-Z]+$/.test(path) ? names.toReversed() : names;
  return sorted.map((name) => pairStem(path) + name);
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

/** What is said of a half that stands alone. */
export function halfMissing(path: string): string {
  const name = `${nameOf(pairStem(path))}.${isPairHeader(path) ? "img" : "hdr"}`;
  return isPairHeader(path)
    ? `a header without its voxels (no ${name} beside it)`
    : `the voxels of a pair without their header (no ${name} beside it)`;
}
