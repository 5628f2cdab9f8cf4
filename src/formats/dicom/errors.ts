import { MsmaeError } from "../../support/errors.ts";

/** What is wrong with a file's data. */
export function dataError(where: string, expected: string, got: string, todo: string, cause?: unknown): MsmaeError {
  return new MsmaeError("Data", { where, expected, got, todo }, cause === undefined ? undefined : { cause });
}
