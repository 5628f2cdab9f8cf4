import { existsSync, readFileSync } from "node:fs";
import ts from "typescript";

/** Modules that a module reaches: our own files with the packages they name, each with the files that import it. */
export interface Reach {
  files: Set<string>;
  packages: Map<string, string[]>;
}

/** Follows the imports of a module, static, dynamic and of types, and the modules that it starts as workers. */
export function reach(root: URL): Reach {
  const files = new Set<string>();
  const packages = new Map<string, string[]>();
  const pending = [root];
  for (let module = pending.pop(); module; module = pending.pop()) {
    if (files.has(module.href)) continue;
    files.add(module.href);
    const text = readFileSync(module, "utf8");
    const imported = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
    // A worker's module is named without its ending: that differs between source and build.
    const started = Array.from(text.matchAll(/\bmoduleUrl\("(\.[^"\n]*)", import/g), ([, name]) => `${name}.ts`);
    for (const name of [...imported, ...started]) {
      if (!name.startsWith(".")) packages.set(name, [...(packages.get(name) ?? []), module.href]);
      else if (existsSync(new URL(name, module))) pending.push(new URL(name, module));
      else throw new Error(`${module.href} imports ${name}, which does not exist`);
    }
  }
  return { files, packages };
}
