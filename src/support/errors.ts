/**
 * Stable machine-readable error codes. The command line maps each to an exit code.
 * `Shape`, `UnsupportedOp` and `NonFiniteLoss` come from the engine, the others from what the user gave.
 */
export type ErrorCode =
  | "Shape"
  | "Config"
  | "Data"
  | "Checkpoint"
  | "UnsupportedOp"
  | "Device"
  | "NonFiniteLoss"
  | "Interrupted";

/** The parts of an error message: where it happened, what was expected, what came, what to do about it. */
export interface ErrorParts {
  where: string;
  expected: string;
  got: string;
  todo: string;
}

/** Every error this package raises on purpose. The message reads `where: expected X, got Y; what to do`. */
export class MsmaeError extends Error {
  /** What kind of fault it is. */
  readonly code: ErrorCode;
  /** What the message is made of. */
  readonly parts: ErrorParts;

  constructor(code: ErrorCode, parts: ErrorParts, options?: { cause?: unknown }) {
    super(`${parts.where}: expected ${parts.expected}, got ${parts.got}; ${parts.todo}`, options);
    this.name = "MsmaeError";
    this.code = code;
    this.parts = parts;
  }
}

/** What a result says of anything thrown: its code, `Internal` for what this package did not expect, and its text. */
export function failureOf(error: unknown): { code: string; message: string } {
  return { code: error instanceof MsmaeError ? error.code : "Internal", message: messageOf(error) };
}

/** The text of anything thrown, for use inside another message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What is left of an error on its way from one thread to another, which takes no error whole. */
export type PortableError = { code: ErrorCode; parts: ErrorParts } | { message: string };

export function toPortable(error: unknown): PortableError {
  if (error instanceof MsmaeError) return { code: error.code, parts: error.parts };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

export function fromPortable(error: PortableError): Error {
  return "code" in error ? new MsmaeError(error.code, error.parts) : new Error(error.message);
}
