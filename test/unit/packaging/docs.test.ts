import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const pages = globSync(["README.md", "CONTRIBUTING.md", "docs/**/*.md"], { cwd: root });

test.each(pages)("%s links to files that are there", (page) => {
  const links = Array.from(read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g), ([, path]) => path as string);
  expect(links.filter((path) => !existsSync(join(root, dirname(page), path)))).toEqual([]);
});

test.each(pages)("%s names source files that are there", (page) => {
  const named = Array.from(
    read(page).matchAll(/`((?:[\w-]+\/)+[\w-]+\.(?:ts|mjs|js))`/g),
    ([, path]) => path as string,
  );
  const paths = named.map((path) => path.replace(/^node_modules\/msmae\/dist\/(.*)\.js$/, "src/$1.ts"));
  const places = ["", "src"].map((folder) => join(root, folder));
  const missing = paths.filter(
    (path) => !/[A-Z]{2}/.test(path) && !places.some((place) => existsSync(join(place, path))),
  );
  expect(missing).toEqual([]);
});

test("the glossary's names in camelCase are names of the code", () => {
  const code = globSync("src/**/*.ts", { cwd: root, exclude: ["**/generated/**"] })
    .map(read)
    .join("\n");
  const words = Array.from(read("docs/glossary.md").matchAll(/^\| \*\*([^*]+)\*\*/gm), ([, term]) =>
    (term as string).split(/,\s*/).filter((word) => /^[a-z]+[A-Z]\w*$/.test(word)),
  ).flat();
  expect(words.length).toBeGreaterThan(5);
  expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(code))).toEqual([]);
});
