import { MsmaeError, messageOf } from "./errors.ts";

const files = "raise the limit of open files (ulimit -n), or use fewer --workers";
const threads = "raise the limit of threads (ulimit -u), or use fewer --workers and --threads";

/** How the system, Node and libvips begin to say that a limit of the process is used up, and what helps. */
const LIMITS: readonly (readonly [RegExp, string])[] = [
  [/^(Worker initialization failure: )?(EMFILE|ENFILE)\b/, files],
  [/^((Worker initialization failure: )?EAGAIN|(glib: )?Error creating thread)\b/, threads],
];

/** What to do about a fault that is the machine's; undefined for all others. `text` is the message of what was thrown. */
export function limitAdvice(text: string): string | undefined {
  return LIMITS.find(([says]) => says.test(text))?.[1];
}

/** The error for a limit of the machine that was met; undefined for all other faults. */
export function limitMet(where: string, expected: string, cause: unknown): MsmaeError | undefined {
  const got = messageOf(cause);
  const todo = limitAdvice(got);
  if (todo === undefined) return undefined;
  return new MsmaeError("Device", { where, expected, got, todo }, { cause });
}
