import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commands } from "../../src/apps/cli/verbs/index.ts";
import { verbs } from "../../src/config/index.ts";
import { toCamelCase } from "../../src/config/names.ts";

const root = join(import.meta.dirname, "..", "..");

test("every verb has its command and every command its verb, in one order, under names of their own", () => {
  expect(Object.entries(commands).map(([name, { options }]) => [name, options])).toEqual(Object.entries(verbs));
  const names = Object.values(verbs).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test.each(Object.values(commands))(
  "the example of $options.name is one of its own",
  ({ options, example, summary }) => {
    expect(example.startsWith(`${options.name} `)).toBe(true);
    const flags = [...example.matchAll(/--([a-z-]+)/g)].map(([, flag = ""]) =>
      flag.replace(/-./g, (m) => m.slice(1).toUpperCase()),
    );
    expect(Object.keys(options.schema.shape)).toEqual(expect.arrayContaining(flags));
    expect(summary).toMatch(/^[A-Z].+\.$/);
  },
);

test("the package has the types of what every verb takes and gives, named after it", () => {
  const exported = readFileSync(join(root, "src/index.ts"), "utf8");
  for (const { name } of Object.values(verbs)) {
    const word = toCamelCase(`-${name.replace(" ", "-")}`);
    for (const type of [`${word}Input`, `${word}Result`]) expect(exported).toMatch(new RegExp(`\\b${type}\\b`));
  }
});

/** Paths below src, and names of packages, that a command line loads. */
function loadedBy(...argv: string[]): string[] {
  const hook = `
    import { registerHooks } from "node:module";
    registerHooks({ load: (url, context, next) => { process.stderr.write("loads " + url + "\\n"); return next(url, context); } });`;
  const flag = `--import=data:text/javascript,${encodeURIComponent(hook)}`;
  const { stderr } = spawnSync(process.execPath, [flag, join(root, "src/apps/cli/main.ts"), ...argv], {
    encoding: "utf8",
  });
  return [...stderr.matchAll(/^loads .*\/(?:src|node_modules)\/(.*)$/gm)].map(([, path = ""]) => path);
}

test.each([[["pretrain", "--help"]], [["pretrain", "--epoch", "3"]], [["data", "check"]]])(
  "%j is answered without the library behind the verbs",
  (argv) => {
    const loaded = loadedBy(...argv);
    expect(loaded).toContain("apps/cli/verbs/pretrain.ts");
    expect(
      loaded.filter((path) => /^(training|inference|engine\/runtime|apps\/demo|onnxruntime|sharp)\b/.test(path)),
    ).toEqual([]);
  },
);
