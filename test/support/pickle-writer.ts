import { entries, global, join, type Piece } from "../../src/interop/containers/pickle-writer.ts";

// What tests of reading pickles need beyond what is written.

export {
  call,
  global,
  int,
  join,
  type Piece,
  pickle,
  str,
  tuple,
  uint32,
  uint64,
} from "../../src/interop/containers/pickle-writer.ts";

export const none = "N";
export const list = (...items: Piece[]) => join("](", ...items, "e");
export const dict = (of: Readonly<Record<string, Piece>>) => join("}", entries(Object.entries(of)));
export const object = (module: string, name: string, state: Piece) => join(global(module, name), ")\x81", state, "b");
