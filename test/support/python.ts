import { execFileSync } from "node:child_process";

/** A Python that tests may run, by its path; undefined where none is named. */
export const python = process.env.MSMAE_PYTHON;

/**
 * Why tests cannot run in Python, in the words of a title; undefined where they can.
 *
 * @param modules what they import, such as "torch, onnx".
 */
export function withoutPython(modules: string): string | undefined {
  if (python === undefined) return `MSMAE_PYTHON names no Python with ${modules}`;
  try {
    execFileSync(python, ["-c", `import ${modules}`], { stdio: "ignore" });
  } catch {
    return `${python} cannot import ${modules}`;
  }
  return undefined;
}
