import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const entries = ["node", "web"].map((name) =>
  fileURLToPath(new URL(`../../../src/engine/${name}.ts`, import.meta.url)),
);
const program = ts.createProgram(entries, {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  allowImportingTsExtensions: true,
  noEmit: true,
  types: [],
});
const checker = program.getTypeChecker();

function exportsOf(entry: string): ts.Symbol[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry) as ts.SourceFile) as ts.Symbol;
  return checker.getExportsOfModule(module);
}

/** Whether a symbol, or what it stands for, has a docstring. */
function isDocumented(symbol: ts.Symbol): boolean {
  const origin = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return origin.getDocumentationComment(checker).length > 0;
}

test("msmae/engine gives the same in Node and in a page, but for what is named after the platform", () => {
  const [node, web] = entries.map((entry) => exportsOf(entry).map(({ name }) => name));
  expect(node?.filter((name) => !web?.includes(name)).toSorted()).toEqual(["nodeBackend", "spawnNodeThread"]);
  expect(web?.filter((name) => !node?.includes(name)).toSorted()).toEqual(["spawnWebThread", "webBackend"]);
});

test("everything that msmae/engine gives has a docstring", () => {
  const all = entries.flatMap(exportsOf);
  expect(all.length).toBeGreaterThan(150);
  expect(all.filter((symbol) => !isDocumented(symbol)).map(({ name }) => name)).toEqual([]);
});
