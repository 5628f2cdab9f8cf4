import { archiveError } from "./archive.ts";

/**
 * Holds every entry below the folder that it would be unpacked to, on any operating system.
 *
 * @returns the name without leading `./` and doubled slashes.
 * @throws MsmaeError Data for `..`, absolute paths, drive letters, backslashes, control characters and empty names.
 */
export function safeEntryName(archive: string, name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  const fault = faultOf(name, parts);
  if (fault === undefined) return parts.join("/");
  const todo = "do not unpack it; get the archive from its official source";
  throw archiveError(archive, "entries that stay below the output folder", `${JSON.stringify(name)} (${fault})`, todo);
}

function faultOf(name: string, parts: readonly string[]): string | undefined {
  if (parts.length === 0) return "an empty name";
  if (name.startsWith("/")) return "an absolute path";
  if (/^[A-Za-z]:/.test(name)) return "a drive letter";
  if (name.includes("\\")) return "a backslash";
  if (parts.includes("..")) return "a step out of the folder";
  if ([...name].some((character) => character < " " || character === "\u007f")) return "a control character";
  return undefined;
}

/** The refusal of a link, which could point anywhere. */
export function linkFault(archive: string, name: string): Error {
  const todo = "unpack it yourself if you trust it, and give the folder";
  return archiveError(archive, "plain files", `${JSON.stringify(name)} (a link)`, todo);
}
