import fc from "fast-check";
import { expect, test } from "vitest";
import { MsmaeError } from "../../src/support/errors.ts";
import type { RunHooks } from "../../src/support/events.ts";
import { printable, printableJson } from "../../src/support/printable.ts";
import { run } from "./fakes.ts";

// Clears the screen, starts a line that looks like a result, turns the direction of the text, sets the title (C1).
const hostile = "a\n\x1b[2Jb\r\t\u202egpj\u2066\x9d0;title\x07\u2028.png";
const shown = "a\\n\\u001b[2Jb\\r\\t\\u202egpj\\u2066\\u009d0;title\\u0007\\u2028.png";
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come out
const obeyed = /[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/u;

test("what a terminal would obey is shown as its escape; all other text stays as it is", () => {
  expect(printable(hostile)).toBe(shown);
  const ordinary = "C:\\Läsion β 病変 آفة \u{1f9e0} 100 % \\n";
  expect(printable(ordinary)).toBe(ordinary);
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      (text) => !/[\n]/.test(printable(text)) && !obeyed.test(printable(text)),
    ),
  );
});

test("JSON holds the very same values, and nothing that a terminal obeys", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const json = printableJson({ [text]: text });
      expect(obeyed.test(json)).toBe(false);
      expect(JSON.parse(json)).toEqual({ [text]: text });
    }),
  );
});

const place = ["--data-path", "d", "--model", "msmae_vit_tiny_patch16", "--output-dir", "o"];

/** A training that tells everything there is to tell of the hostile name, and fails because of it. */
async function pretrain(_: unknown, { onEvent }: RunHooks): Promise<never> {
  onEvent?.({ type: "warning", message: `skipped ${hostile}` });
  onEvent?.({ type: "note", message: `reads ${hostile}` });
  onEvent?.({ type: "checkpoint", path: hostile });
  onEvent?.({ type: "phase", name: hostile, total: 1 });
  throw new MsmaeError("Data", { where: hostile, expected: "x", got: hostile, todo: "y" });
}

async function* predict() {
  yield { path: hostile, slice: 2, class: hostile, probabilities: { [hostile]: 1 } };
  yield { path: hostile, error: { code: "Data", message: hostile } };
}

test("every message is one line, whatever names it holds", async () => {
  const { stderr } = await run(["pretrain", ...place], { pretrain });
  expect(stderr.trimEnd().split("\n")).toEqual([
    `warning: skipped ${shown}`,
    `reads ${shown}`,
    `saved ${shown}`,
    `${shown}: 0/1`,
    `error[Data]: ${shown}: expected x, got ${shown}; y`,
  ]);
  const debug = await run(["pretrain", "--debug", ...place], { pretrain });
  expect(debug.stderr).toContain("    at ");
  expect(debug.stderr).not.toMatch(obeyed);
  expect((await run(["pretrain", "--quiet", ...place], { pretrain })).stderr).not.toMatch(obeyed);
  const unknown = await run(["pretrain", `--${hostile}`, hostile]);
  expect(unknown.stderr).not.toMatch(obeyed);
});

test("a result is one line for people, and exact in JSON", async () => {
  const argv = ["predict", "--checkpoint", "c", hostile];
  expect((await run(argv, { predict })).stdout).toBe(
    `${shown} slice 2  ${shown}  1\n${shown}  error[Data]: ${shown}\n`,
  );
  const { stdout } = await run([...argv, "--json"], { predict });
  expect(stdout).not.toMatch(obeyed);
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { path: string });
  expect(lines.map(({ path }) => path)).toEqual([hostile, hostile]);
});

test("values of a header that data show prints, and records with names for keys, are printable", async () => {
  const picture = { path: hostile, format: "DICOM", shape: [1], dtype: "uint8", range: null };
  const dataShow = async () => ({ ...picture, header: { name: hostile } });
  expect((await run(["data", "show", "x.dcm"], { dataShow })).stdout).toContain(`\n  name: ${shown}\n`);
  const none = { train: 0, val: 0, test: 0 };
  const classCounts = { train: { [hostile]: 3 }, val: {}, test: {} };
  const dataSplit = async () => ({ path: hostile, seed: 0, splits: none, classCounts, groups: 3, leftOut: [] });
  const { stdout } = await run(["data", "split", "set", "--output", "s.csv"], { dataSplit });
  expect(stdout).toContain(`classCounts.train.${shown}  3\n`);
  expect(stdout).not.toMatch(obeyed);
});
