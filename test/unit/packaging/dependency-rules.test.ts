import { expect, test } from "vitest";
import { abilitiesOf, type Dependency, isNative, problemsOf, type Review } from "../../../scripts/dependency-rules.ts";

function dependency(more: Partial<Dependency>): Dependency {
  return { name: "some", version: "1.0.0", license: "MIT", hasInstallScript: false, found: [], ...more };
}

const review: Review = { packages: ["some"], found: ["network"], verdict: "only in browsers" };

test.each([
  ['import { connect } from "node:net";', ["network"]],
  ["const http = require('https')", ["network"]],
  ["await fetch (url)", ["network"]],
  ["new WebSocket(url)", ["network"]],
  ["import(`dns/promises`)", ["network"]],
  ['require("child_process")', ["processes"]],
  ['require("node:child_process"); new XMLHttpRequest()', ["network", "processes"]],
  ['import { readFileSync } from "node:fs"; prefetch(); network.open()', []],
])("what %s can do is found", (code, found) => {
  expect(abilitiesOf(["", code])).toEqual(found);
});

test("compiled code is told by its name", () => {
  const native = [
    "lib/a.node",
    "lib/libvips-cpp.so.8.18.7",
    "libonnxruntime.so.1",
    "x.dylib",
    "x.dll",
    "src/binding.gyp",
  ];
  expect(native.filter(isNative)).toEqual(native);
  expect(["a.js", "a.wasm", "so.md", "node.ts"].filter(isNative)).toEqual([]);
});

test("a package with an allowed licence that only computes is no problem", () => {
  expect(problemsOf([dependency({ license: "Apache-2.0 AND LGPL-3.0-or-later AND MIT" })], [])).toEqual([]);
});

test("an unknown licence, an installation script and what nobody has looked at are each a problem", () => {
  const odd = dependency({ license: "(MIT OR GPL-3.0)", hasInstallScript: true, found: ["network", "native"] });
  expect(problemsOf([odd], [review])).toEqual([
    "some 1.0.0: licence (MIT OR GPL-3.0) is not in the list",
    "some 1.0.0: has an installation script",
    "some 1.0.0: native found, and no verdict on it",
  ]);
});

test("a verdict covers the packages it names, also by the start of their names, and no others", () => {
  const family: Review = { ...review, packages: ["@img/sharp-*"] };
  const found = ["network"];
  const named = dependency({ name: "@img/sharp-linux-x64", found });
  expect(problemsOf([named], [family])).toEqual([]);
  expect(problemsOf([named, dependency({ name: "@img/other", found })], [family])).toHaveLength(1);
});

test("a verdict on what is no longer found is a problem", () => {
  expect(problemsOf([dependency({})], [review])).toEqual(["some: a verdict on network, which is no longer found"]);
});
